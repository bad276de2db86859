# shellcheck shell=bash
# Takes their access from all clients that are not on the list any more, which is the record of the step that took this one's place: also from those that an
# `up` let in which was killed before it noted them. What is on the list stays until the export ends, see server.undo.sh. The directory and its logs stay.
: "${kit:?}" "${work:?}" "${records:?}" "${record:?}" "${clients:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
for file in "$clients"+*.exports; do
  grep -qxF "file $file" "$records/$record/checks" 2> /dev/null || rm -f "$file"
done
exportfs -ra || true
touch "$work/keeps-record"
