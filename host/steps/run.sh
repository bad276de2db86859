#!/bin/bash
# Carries out a step: run.sh <step>. What it works with comes by standard input; what its script prints goes to standard output. Can be run again.
set -Eeuo pipefail
umask 022
kit=$(dirname "${BASH_SOURCE[0]}")
step=$1
# shellcheck source=host/steps/lib.sh
. "$kit/lib.sh"

# The reason of a failure comes first: much is cut off of what is said later.
tell() {
  local status=$?
  # Whoever listened may have gone: what the step was given goes all the same. A line that is longer than 64 KiB would hang @pulumi/command.
  [ "$status" = 0 ] || { cat "$work/reason"; tail -n 20 "$work/chatter"; } 2> /dev/null | cut -b -4000 >&3 || true
  rm -rf "$work"
}
unexpected() { [ -e "$work/reason" ] || printf '%s: line %s of %s: exit status %s: %s\n' "$step" "$2" "$3" "$1" "$4" > "$work/reason"; }

# A refresh compares with this.
note() {
  install -d -m 700 /var/lib/scaleout "$records" "$records/$record"
  cp "$work/checks" "$records/$record/checks"
  put_here > "$records/$record/put"
  (trap - ERR; set +eu; run_checks < "$work/checks") > "$records/$record/outcome" 2> /dev/null
}

trap tell EXIT
receive
trap 'unexpected "$?" "$LINENO" "${BASH_SOURCE[0]##*/}" "$BASH_COMMAND"' ERR
exec 2>> "$work/chatter"
# A step that only has data has no script, and no version of one.
if [ -e "$kit/$step.sh" ] || [ "$step_version" != none ]; then
  grep -qxF "$step $step_version" "$kit/versions" || other_version
fi
mapfile -t packages < "$work/packages"
install_packages "${packages[@]}"
make_directories
put_programs
put_files
remove_former_files
if [ -e "$kit/$step.sh" ]; then
  # Not in a function, where what a script declares would be its own. In a subshell: a script may end early.
  # shellcheck source=/dev/null
  (. "$kit/$step.sh")
fi
while read -r unit; do enable_unit "$unit"; done < "$work/units"
note
