# shellcheck shell=bash
# Functions for the scripts of steps.

# The same order and the same words on every host: newer coreutils sort by the host's locale, while `comm` compares bytes.
export LC_ALL=C
# Set by run.sh and undo.sh: the directory of all scripts, and which step it is.
: "${kit:?}" "${step:?}"
# Where the records lie, and what `receive` finds: run.sh and undo.sh go by them.
# shellcheck disable=SC2034
records=/var/lib/scaleout/$(basename "$kit")
# shellcheck disable=SC2034
record='' step_version='' work=/nonexistent
# Where people read; what programs say may go elsewhere.
exec 3>&2
# shellcheck source=host/steps/checks.sh
. "$kit/checks.sh"

# Reads what the step works with from standard input: see host/manifest.ts for the lines. All of it is read before anything else is done: who sends it
# would see a broken channel instead of the reason of a failure.
receive() {
  # In memory: it may be a secret. What a step that was killed has left goes after a day.
  find /run -maxdepth 1 -name 'scaleout-step.*' -mmin +1440 -exec rm -rf {} +
  work=$(mktemp -d /run/scaleout-step.XXXXXX)
  mkdir "$work/content"
  touch "$work"/{settings,files,directories,programs,packages,units,checks,chatter}
  cat > "$work/input"
  # The last line is the record's: a connection may break.
  if [[ $(tail -n 1 "$work/input") != "@record "?* || $(tail -c 1 "$work/input") ]]; then fail "$step: what it was given is not complete"; fi
  # shellcheck disable=SC2016
  awk -v work="$work" '
    function rest(words,   text) { text = $0; while (words--) sub(/^[^ ]* /, "", text); return text }
    function quoted(text,   parts, count, i, word) {
      count = split(text, parts, "\047")
      word = parts[1]
      for (i = 2; i <= count; i++) word = word "\047\\\047\047" parts[i]
      return "\047" word "\047"
    }
    function check(text) { print text > (work "/checks") }
    /^  / { print substr($0, 3) > content; next }
    $1 == "@step" { print "step_version=" quoted($3) > (work "/settings") }
    $1 == "@record" { print "record=" quoted(rest(1)) > (work "/settings") }
    $1 == "@set" { print $2 "=" quoted(rest(2)) > (work "/settings") }
    $1 == "@add" { print $2 "+=(" quoted(rest(2)) ")" > (work "/settings") }
    $1 == "@package" { print $2 > (work "/packages"); check("package " $2) }
    $1 == "@unit" { print $2 > (work "/units"); check("unit " $2) }
    $1 == "@directory" { print $2 "\t" $3 "\t" rest(3) > (work "/directories"); check("file " rest(3)) }
    $1 == "@program" {
      print rest(1) > (work "/programs")
      for (i = 4; i <= NF; i++) check("file " $2 "/" $i ".py")
    }
    $1 == "@check" { check(rest(1)) }
    $1 == "@file" || $1 == "@staged" {
      if (content) close(content)
      content = work "/content/" ++count
      printf "" > content
      print substr($1, 2) "\t" $2 "\t" $3 "\t" content "\t" rest(3) > (work "/files")
      check("file " rest(3))
    }
  ' "$work/input"
  # shellcheck source=/dev/null
  . "$work/settings"
}

# Ends a step that cannot be done: the reason, and what a program said of it, come before all else that was said.
fail() {
  printf '%s\n' "$@" > "$work/reason"
  exit 1
}

other_version() {
  fail "the scripts of this stack on the host are of another version of the program than what was asked for: run pulumi up --refresh, with one version"
}

# Tells at once what goes on.
say() { printf '%s\n' "$*" >&3; }

# Puts a file in place that the step was given: whole, or not at all.
put() {
  local kind mode owner content path
  while IFS=$'\t' read -r kind mode owner content path; do
    [ "$path" = "$1" ] || continue
    [ -d "$(dirname "$path")" ] || install -d -m 755 "$(dirname "$path")"
    install -m "$mode" -o "${owner%%:*}" -g "${owner##*:}" "$content" "$path.new"
    mv -f "$path.new" "$path"
    return
  done < "$work/files"
  fail "$step: it was given no file $1"
}

# Prints where the content of such a file lies until then.
given() { awk -F '\t' -v path="$1" '$5 == path { print $4 }' "$work/files"; }

# Puts all files in place, but those that the script puts there itself.
put_files() {
  local kind mode owner content path
  while IFS=$'\t' read -r kind mode owner content path; do
    if [ "$kind" = file ]; then put "$path"; fi
  done < "$work/files"
  reload_units
}

# Prints the files that are put in place here; those that a script puts there are its own.
put_here() { awk -F '\t' '$1 == "file" { print $5 }' "$work/files"; }

# Removes files that the step has put there before, and no longer has.
remove_former_files() {
  local path
  [ -e "$records/$record/put" ] || return 0
  while IFS= read -r path; do
    put_here | grep -qxF "$path" || rm -f "$path"
  done < "$records/$record/put"
}

# Removes the step's files and programs.
remove_files() {
  remove_programs
  cut -f 5 "$work/files" | while IFS= read -r path; do rm -f "$path"; done
  reload_units
}

reload_units() {
  if grep -q $'\t'/etc/systemd/system/ "$work/files"; then systemctl daemon-reload; fi
}

make_directories() {
  local mode owner path
  while IFS=$'\t' read -r mode owner path; do
    mkdir -p "$path"
    [ "$owner" = - ] || chown "$owner" "$path"
    chmod "$mode" "$path"
  done < "$work/directories"
}

# Installs those that are missing; what is installed is left as it is.
install_packages() {
  local missing=() package
  for package; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # The package lists may be missing or old: they are fetched only when the installation fails without.
  fetch_packages "${missing[@]}" || { fetch_lists && fetch_packages "${missing[@]}"; } ||
    fail "packages that cannot be installed: ${missing[*]}"
}

is_installed() {
  if dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed'; then return 0; fi
  # A Docker from elsewhere, such as docker-ce, is used as it is: the distribution's would take its place and end its containers.
  [ "$1" = docker.io ] && command -v dockerd > /dev/null
}

# It removes nothing, keeps configuration files that are there already, and restarts nothing else.
fetch_packages() {
  apt_get install -y --no-remove --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# The lists have a lock of their own, for which apt does not wait: apt-daily has it for minutes after a boot.
fetch_lists() {
  local said until=$((SECONDS + 300))
  until said=$(apt_get update 2>&1); do
    printf '%s\n' "$said" >&2
    [[ $said = *"/var/lib/apt/lists/lock"* && $SECONDS -lt $until ]] || return 1
    sleep 5
  done
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >&2
}

# Puts programs of host/agents/ in place, in a directory that holds nothing else: whole, or not at all.
put_programs() {
  local directory version modules module
  while read -r directory version modules; do
    # shellcheck disable=SC2086
    [ "$(cd "$kit/agent" && printf '%s.py\0' $modules | xargs -0 cat | sha256sum | cut -c-8)" = "$version" ] || other_version
    rm -rf "$directory.new"
    install -d -m 755 "$(dirname "$directory")" "$directory.new"
    for module in $modules; do install -m 644 "$kit/agent/$module.py" "$directory.new/$module.py"; done
    rm -rf "$directory"
    mv "$directory.new" "$directory"
  done < "$work/programs"
}

remove_programs() {
  local directory rest
  while read -r directory rest; do rm -rf "$directory"; done < "$work/programs"
}

# Has a unit start at each boot.
enable_at_boot() { systemctl is-enabled -q "$1" || systemctl enable "$1" >&2; }

# And now.
enable_unit() {
  enable_at_boot "$1"
  systemctl start "$1"
}

# Waits until a command succeeds: wait_for <seconds> <command>...
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.5
  done
}

# The last words of a unit.
last_words() { journalctl -n 20 --no-pager -o cat -u "$1"; }
