# shellcheck shell=bash
# Takes a client's export back. The directory and its logs stay.
: "${kit:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
remove_files
exportfs -ra || true
