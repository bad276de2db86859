# shellcheck shell=bash
# Runs the distribution registry with TLS and a password. Prints its certificate. The key never leaves the host.
: "${address:?}" "${port:?}" "${username:?}" "${password:?}"

directory=/etc/docker/registry
# A certificate that still serves is kept: a new one would be a change on every node.
still_good() {
  openssl x509 -in $directory/tls.crt -noout -checkend 2592000 && openssl x509 -in $directory/tls.crt -noout -checkip "$address" | grep -q 'does match'
}
# 401: it serves, and wants the password.
answers() {
  code=$(curl -q -s --noproxy '*' -o /dev/null -w '%{http_code}' --cacert $directory/tls.crt "https://$address:$port/v2/" || true)
  [ "$code" = 401 ]
}

(
  umask 077
  printf '%s\n' "$password" | htpasswd -Bic $directory/htpasswd.new "$username"
  if ! still_good > /dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=registry \
      -addext "subjectAltName=IP:$address" -keyout $directory/tls.key -out $directory/tls.crt
  fi
)
mv $directory/htpasswd.new $directory/htpasswd
chown docker-registry $directory/tls.key $directory/htpasswd
chmod 644 $directory/tls.crt
enable_at_boot docker-registry
systemctl restart docker-registry
wait_for 60 answers || fail "registry: no answer on $address:$port (last HTTP code $code)" "$(last_words docker-registry)"
cat $directory/tls.crt
