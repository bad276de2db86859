# shellcheck shell=bash
# Keeps the service's ECR token fresh, on a manager. See host/agents/registry_login.py.
: "${unit:?}"

systemctl enable "$unit.timer" >&2
systemctl restart "$unit.timer"
