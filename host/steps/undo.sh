#!/bin/bash
# Takes back what a step made: undo.sh <step>, with the standard input that it was carried out with.
set -Eeuo pipefail
umask 022
kit=$(dirname "${BASH_SOURCE[0]}")
step=$1
# shellcheck source=host/steps/lib.sh
. "$kit/lib.sh"

trap 'cut -b -4000 "$work/reason" >&3 2> /dev/null || true; rm -rf "$work"' EXIT
receive
[ "$step_version" = none ] || [ -e "$kit/$step.sh" ] ||
  fail "the scripts of this stack on the host do not know $step: run pulumi up --refresh with the version of the program that made it"
if [ -e "$kit/$step.undo.sh" ]; then
  # shellcheck source=/dev/null
  (. "$kit/$step.undo.sh")
else
  remove_files
fi
[ -e "$work/keeps-record" ] || rm -rf "${records:?}/${record:?}"
if [ -d "$records" ]; then rmdir --ignore-fail-on-non-empty "$records"; fi
