# shellcheck shell=bash
# Starts the agent of a service on a node, and waits until it watches. See host/agents/drain_agent.py.
: "${unit:?}"

enable_at_boot "$unit"
# It returns once the agent watches, or has failed for the first time: then systemd goes on trying.
systemctl restart "$unit" || true
wait_for 30 systemctl is-active -q "$unit" || fail "the drain agent does not start:" "$(last_words "$unit")"
