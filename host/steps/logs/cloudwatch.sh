# shellcheck shell=bash
# Has the vendor's agent send the collected logs on to CloudWatch. It is installed from the vendor's bucket of the region when it is missing.
: "${config:?}" "${bucket:?}" "${fingerprint:?}"

install_agent() {
  local verdict
  install_packages curl gnupg
  # shellcheck source=/dev/null
  . /etc/os-release
  fetch agent.deb "$ID/amd64/latest/amazon-cloudwatch-agent.deb"
  fetch agent.deb.sig "$ID/amd64/latest/amazon-cloudwatch-agent.deb.sig"
  fetch key assets/amazon-cloudwatch-agent.gpg
  export GNUPGHOME="$downloads/gnupg"
  mkdir -m 700 "$GNUPGHOME"
  gpg -q --batch --import "$downloads/key"
  # Whatever keys were fetched: the signature must be by this one.
  verdict=$(gpg --batch --status-fd 1 --verify "$downloads/agent.deb.sig" "$downloads/agent.deb" 2> /dev/null || true)
  grep -q "^\[GNUPG:\] VALIDSIG .*$fingerprint\$" <<< "$verdict" ||
    fail "logs.shipping: the agent's package is not signed by its vendor's key $fingerprint: it is not installed"
  apt_get install -y "$downloads/agent.deb"
}
fetch() { curl -fsS --retry 5 --retry-all-errors --max-time 300 -o "$downloads/$1" "$bucket/$2"; }

control=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
runs() { grep -q '"status": "running"' <<< "$($control -a status)"; }

downloads=$(mktemp -d)
trap 'rm -rf "$downloads"' EXIT
dpkg-query -W -f '${Status}' amazon-cloudwatch-agent 2> /dev/null | grep -q 'ok installed' || install_agent
put "$config"
$control -a fetch-config -m ec2 -s -c "file:$config" >&2
wait_for 60 runs ||
  fail "logs.shipping: the CloudWatch agent does not run:" "$(tail -n 20 /opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log 2>&1)"
