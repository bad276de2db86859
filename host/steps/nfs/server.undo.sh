# shellcheck shell=bash
# Ends the export, to whichever clients. The directory and its logs stay.
: "${kit:?}" "${files:?}" "${access:?}" "${records:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
rm -f "$files"+*.exports
exportfs -ra || true
rm -rf "${records:?}/$access"
