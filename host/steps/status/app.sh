# shellcheck shell=bash
# Prints what a node does for requests, from three sides. Comes after health/ask.sh.
: "${service:?}"

echo "answer $(ask_service)"
if [ "${peer_port?}" ]; then
  report=$(ask_agent | head -c 65536 | tr -d '\r\n') && code=0 || code=$?
  echo "agent $code $report"
fi
if containers=$(timeout 10 docker ps -q --no-trunc --filter "label=com.docker.swarm.service.name=$service"); then
  echo 'containers'
  format='container {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{json .NetworkSettings.Ports}}'
  # shellcheck disable=SC2086
  [ -z "$containers" ] || timeout 10 docker inspect --format "$format" $containers || true
fi
