# shellcheck shell=bash
: "${archive:?}" "${tag:?}"

docker rmi -f -- "$tag"
rm -f "$archive"
