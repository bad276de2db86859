# shellcheck shell=bash
# Makes the directory of an export, starts the server, and ends exports that no file asks for; but not those of others in /etc/exports.
: "${kit:?}" "${path:?}" "${owner:?}" "${mode:?}"
# `adopt`: what /etc/exports says of the directory is taken over. The clients' lines and files, in the same order.
adopt=${adopt-}
declare -a lines+=() line_files+=()
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

# Refuses to go on beside lines of others.
refuse_other_lines() {
  if [ -e /etc/exports ] && awk -v path="$path" '$1 == path { found = 1 } END { exit !found }' /etc/exports; then
    fail "logs.path = \"$path\": /etc/exports exports it already: set logs.adopt to true to take that over, or remove it there"
  fi
}

# Prints `client options` for each client of the directory's lines on standard input, the options in order.
clients() {
  local client options
  sed 's/#.*//' | awk -v path="$path" '$1 == path { for (i = 2; i <= NF; i++) print $i }' | while IFS= read -r client; do
    options=${client#"${client%%(*}"}
    printf '%s %s\n' "${client%%(*}" "$(tr -d '()' <<< "$options" | tr , '\n' | sort | tr '\n' , | sed 's/,$//')"
  done | sort
}

# What a client would lose, and what is different, if the stack's own files took the place of these lines.
differences() {
  local format=%U:%G known
  if [[ $owner =~ ^[0-9] ]]; then format=%u:%g; fi
  comm -23 <(echo "$1") <(printf '%s\n' "${lines[@]}" | clients) |
    sed -E 's|^(\S*) (.*)|  exported to \1(\2) there: such a client is not in the configuration|'
  known=$(stat -c "$format" "$path")
  [ "$known" = "$owner" ] || echo "  owner of the directory is $known there, $owner in the configuration"
  known=$(stat -c 0%a "$path")
  [ "$known" = "$mode" ] || echo "  mode of the directory is $known there, $mode in the configuration"
  ! awk -v path="$path" '$1 == path && /\\$/ { found = 1 } END { exit !found }' /etc/exports ||
    echo "  its line in /etc/exports goes on in the next: write it as one"
}

# Takes the directory's lines of /etc/exports over: what they export goes on without a moment's break, from the stack's own files. Refuses, with every
# difference, when a client would lose something. Once done it finds nothing to do.
take_over() {
  local theirs='' found index
  if [ -e /etc/exports ]; then theirs=$(clients < /etc/exports); fi
  [ -n "$theirs" ] || return 0
  found=$(differences "$theirs")
  [ -z "$found" ] || fail "logs.adopt: what /etc/exports says of $path differs from the configuration:" "$found" \
    "configure what it has (logs.access, logs.clients, logs.exportOptions); what is to change can change once it is taken over"
  for index in "${!lines[@]}"; do
    printf '%s\n' "${lines[index]}" > "${line_files[index]}.new"
    chmod 644 "${line_files[index]}.new"
    mv -f "${line_files[index]}.new" "${line_files[index]}"
  done
  cp -a /etc/exports /etc/exports.new
  awk -v path="$path" '$1 == path { print "# Taken over by Pulumi, see /etc/exports.d: " $0; next } { print }' /etc/exports > /etc/exports.new
  mv -f /etc/exports.new /etc/exports
  exportfs -ra
}

mkdir -p "$path" /etc/exports.d
lock_exports
if [ "$adopt" = true ]; then take_over; else refuse_other_lines; fi
chown "$owner" "$path"
chmod "$mode" "$path"
enable_unit nfs-server
exportfs -ra
