# shellcheck shell=bash
# Prints whether NGINX runs, its version, `unconnected <server>` for each server that it cannot reach, and its whole configuration.
declare -a servers+=()

# A host that runs NGINX need not have curl.
# shellcheck disable=SC2016
connects() { timeout 5 bash -c ': > "/dev/tcp/$1/$2"' connect "${1%:*}" "${1##*:}" 2> /dev/null; }

systemctl is-active nginx || true
nginx -v 2>&1
for server in "${servers[@]}"; do
  (connects "$server" || echo "unconnected $server") &
done
wait
nginx -T 2> /dev/null || true
