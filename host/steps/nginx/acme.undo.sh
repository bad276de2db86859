# shellcheck shell=bash
# The ACME account stays: other certificates of the host may be under it.
: "${name:?}" "${challenges:?}" "${bundle:?}" "${drop_in:?}"

certbot delete --non-interactive --cert-name "$name" >&2 || true
rm -rf "$challenges" "$bundle" "$drop_in"
systemctl daemon-reload
