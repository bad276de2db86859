# shellcheck shell=bash
# Prints the line of `ask_service` and then, where there is one, what the node's agent says. Comes after ask.sh.
ask_service
if [ "${peer_port?}" ]; then ask_agent || true; fi
