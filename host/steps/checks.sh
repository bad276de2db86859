# shellcheck shell=bash
# What a step made, seen again: each check prints lines `subject<TAB>state`. A refresh compares them with what they printed when the step was done.

state() { printf '%s\t%s\n' "$1" "$2"; }

# That a path has the owner, the mode and the content that it was given.
check_file() {
  local found=absent
  if [ -e "$1" ]; then found=$(stat -c '%U:%G %a' "$1"); fi
  if [ -f "$1" ]; then found+=" sha256 $(sha256sum "$1" | cut -c-12)"; fi
  state "$1" "$found"
}

check_unit() { state "$1" "$(systemctl is-active "$1") and $(systemctl is-enabled "$1" 2> /dev/null)"; }

# That packages are installed, whatever their version.
check_packages() { dpkg-query -W -f 'package ${Package}\t${db:Status-Status}\n' "$@"; }

# What the kernel exports of a directory: "<path>", or "<path> <client>" for the one client alone.
check_live-export() {
  local path client exported
  read -r path client <<< "$1"
  exportfs -s | while read -r exported rest; do
    [ "$exported" = "$path" ] || continue
    [ -z "$client" ] || [ "${rest%%(*}" = "$client" ] || continue
    rest=${rest%)}
    state "live export of $path to ${rest%%(*}" "${rest#*(}"
  done
}

# What the kernel exports of a directory to clients that have no file of the stack: "<path> <what the names of its files begin with>".
check_other-exports() {
  local path files client
  read -r path files <<< "$1"
  check_live-export "$path" | while read -r line; do
    client=${line#live export of "$path" to }
    client=${client%%$'\t'*}
    awk -v path="$path" -v client="$client" '$1 == path && index($2, client "(") == 1 { found = 1 } END { exit !found }' "$files"+*.exports 2> /dev/null ||
      printf '%s\n' "$line"
  done
}

# Whether the workers of NGINX that run have read a file.
check_nginx-has-read() {
  local workers age read="an earlier $1"
  # shellcheck disable=SC2009
  workers=$(ps -o etimes= --ppid "$(cat /run/nginx.pid)" | sort -n | head -n 1)
  age=$(($(date +%s) - $(stat -c %Z "$1")))
  if [ "$workers" -le $((age + 1)) ]; then read=$1; fi
  state "what NGINX runs with" "$read"
}

# Which file system is mounted at a path.
check_mounted() { state "$1" "on file system $(findmnt -n -o LABEL "$1")"; }

# Carries out checks from standard input, one a line: its kind, then its words.
run_checks() {
  local kind subject packages=()
  while read -r kind subject; do
    if [ "$kind" = package ]; then packages+=("$subject"); else "check_$kind" "$subject" < /dev/null || true; fi
  done
  # All by one program: it takes its time to start.
  [ ${#packages[@]} = 0 ] || check_packages "${packages[@]}" || true
}
