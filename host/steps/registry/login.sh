# shellcheck shell=bash
# Keeps the service's ECR token fresh, on a manager. See agent/registry_login.py.
: "${unit:?}"

systemctl enable "$unit.timer" >&2
systemctl restart "$unit.timer"
