# shellcheck shell=bash
# Gets a certificate by certbot, unless one is there that has time left. NGINX must serve the challenges already. certbot remembers all for the package's
# timer, which renews and reloads NGINX.
: "${name:?}" "${email:?}" "${server:?}" "${challenges:?}" "${bundle:?}" "${drop_in:?}"
declare -a domains+=()
# The CA of the ACME server, where it is not among those of the host.
ca=$(given "$bundle")

install -d -m 755 "$challenges" /etc/letsencrypt
if [ "$ca" ]; then
  cat /etc/ssl/certs/ca-certificates.crt >> "$ca"
  put "$bundle"
  put "$drop_in"
  export REQUESTS_CA_BUNDLE=$bundle
else
  rm -f "$bundle" "$drop_in"
fi
systemctl daemon-reload
systemctl enable --now certbot.timer >&2
options=(--non-interactive --agree-tos "--email=$email" --server "$server" --webroot --webroot-path "$challenges" --cert-name "$name")
for domain in "${domains[@]}"; do options+=(--domain "$domain"); done
options+=(--keep-until-expiring --renew-with-new-domains --deploy-hook 'nginx -t -q && systemctl reload nginx')
# certbot keeps a certificate of another server as long as it has time left.
renewal=/etc/letsencrypt/renewal/$name.conf
if [ -e "$renewal" ] && ! grep -qxF "server = $server" "$renewal"; then options+=(--force-renewal); fi
said=$(certbot certonly "${options[@]}" 2>&1) ||
  fail "nginx.tls.acme: certbot got no certificate for $(printf '%s, ' "${domains[@]}" | sed 's/, $//'); what serves now goes on:" "$said"
openssl x509 -in "/etc/letsencrypt/live/$name/fullchain.pem" -noout -enddate
