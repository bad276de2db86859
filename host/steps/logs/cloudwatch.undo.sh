# shellcheck shell=bash
# Stops the agent. What it sent stays.
control=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
[ -x $control ] || exit 0
$control -a stop >&2
$control -a remove-config -m ec2 -c all >&2
systemctl disable amazon-cloudwatch-agent >&2 || true
remove_files
