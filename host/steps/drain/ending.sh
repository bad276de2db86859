# shellcheck shell=bash
# Tells a node's agent that the service is about to be removed: its tasks stop without waiting for other nodes. See host/agents/scaleout_stop.py.
: "${unit:?}"

[ ! -d "/run/$unit" ] || touch "/run/$unit/ending"
