/**
 * Waits until cloud-init is through: before that it may still write the package sources. Its exit status 2 is a boot that went well with a
 * warning.
 */
export const bootScript = `
command -v cloud-init > /dev/null || exit 0
status=0
timeout 600 cloud-init status --wait >&2 || status=$?
case $status in
  0|2) ;;
  124) echo "cloud-init is not through after ten minutes" >&2; exit 1 ;;
  *) echo "cloud-init failed:" >&2; cloud-init status --long >&2 || true; exit 1 ;;
esac
`.trim();
