# shellcheck shell=bash
# How a host asks whether a task is healthy: see lib/health.ts.
: "${address:?}" "${port:?}" "${path:?}" "${host?}" "${seconds:?}" "${user_agent:?}" "${agent_seconds:?}"
# Port of the node's agent; empty where there is none.
peer_port=${peer_port-}

# curl that neither the environment's proxies nor the user's .curlrc has a say in. An URL's words are sent as they are.
plain_curl() { curl -q -s --noproxy '*' --globoff --path-as-is "$@"; }

# Prints the status of the answer, where there was one, and curl's exit status, in one line. Ends with 0 whatever the answer.
ask_service() {
  local headers=(-A "$user_agent" -H "Host: $host" -H 'Accept: */*' -H 'Connection: close')
  plain_curl --http1.1 "${headers[@]}" -m "$seconds" -o /dev/null -w '%{http_code}' "http://$address:$port$path" && echo ' 0' || echo " $?"
}

# Prints what the node's agent says.
ask_agent() { plain_curl -m "$agent_seconds" "http://$address:$peer_port/"; }
