#!/bin/bash
# Takes back what a step made: undo.sh <step>, with the standard input that it was carried out with.
set -Eeuo pipefail
umask 022
kit=$(dirname "${BASH_SOURCE[0]}")
step=$1
records=/var/lib/scaleout/$(basename "$kit")
record=''
# shellcheck source=host/steps/lib.sh
. "$kit/lib.sh"

exec 3>&2
receive
trap '[ ! -e "$work/reason" ] || cat "$work/reason" >&2; rm -rf "$work"' EXIT
if [ -e "$kit/$step.undo.sh" ]; then
  # shellcheck source=/dev/null
  (. "$kit/$step.undo.sh")
else
  remove_files
fi
rm -rf "${records:?}/${record:?}"
if [ -d "$records" ]; then rmdir --ignore-fail-on-non-empty "$records"; fi
