# shellcheck shell=bash
# Waits until cloud-init is through: before that it may still write the package sources. Its exit status 2 is a boot that went well with a warning.
command -v cloud-init > /dev/null || exit 0
status=0
timeout 600 cloud-init status --wait >&2 || status=$?
case $status in
  0 | 2) ;;
  124) fail "cloud-init is not through after ten minutes" ;;
  *) fail "cloud-init failed:" "$(cloud-init status --long 2>&1)" ;;
esac
