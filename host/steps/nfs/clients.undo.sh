# shellcheck shell=bash
# Takes their access from the clients that are on the list no more, which is the record of the step that took this one's place. What is on it stays until
# the export ends, see server.undo.sh. The directory and its logs stay.
: "${kit:?}" "${work:?}" "${records:?}" "${record:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
cut -f 5 "$work/files" | while IFS= read -r file; do
  grep -qxF "file $file" "$records/$record/checks" 2> /dev/null || rm -f "$file"
done
exportfs -ra || true
touch "$work/keeps-record"
