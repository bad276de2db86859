#!/usr/bin/env bash
# The lab: the whole topology on local machines.
#
#   lab/run.sh prepare     install and build what it needs (packages, root image, npm packages), without starting anything
#   lab/run.sh up          prepare, then `pulumi up` of the stack "lab"
#   lab/run.sh preview     prepare, then `pulumi preview`
#   lab/run.sh destroy     `pulumi destroy`: stops and removes the machines, keeps the collected logs
#
# Where the Pulumi engine can be neither found nor downloaded, up and destroy run as a trial without it.
set -euo pipefail
cd "$(dirname "$0")/.."
action=${1:?usage: lab/run.sh prepare|up|preview|destroy}
shift

# npm writes the hidden lockfile last: it is older than the lockfile when an installation is missing, old or half done.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
export PATH="$PWD/node_modules/.bin:$PATH"

# The state lies beside the project, encrypted with a passphrase, unless the operator has chosen a backend.
export PULUMI_BACKEND_URL=${PULUMI_BACKEND_URL:-file://$PWD/.pulumi-state}
export PULUMI_CONFIG_PASSPHRASE=${PULUMI_CONFIG_PASSPHRASE-lab}
export PULUMI_SKIP_UPDATE_CHECK=true
# The example's passwords, which a real stack gets from encrypted configuration or from CI.
export DATASOURCE_PASSWORD=${DATASOURCE_PASSWORD:-lab-datasource} REDIS_PASSWORD=${REDIS_PASSWORD:-lab-redis}

if [ "$action" != destroy ]; then node lab/prepare.ts; fi
if [ "$action" = prepare ]; then exit; fi

if ! missing=$(node lab/engine.ts); then
  echo "No Pulumi engine: $missing" >&2
  case $action in
    up | destroy)
      echo "Going on as a TRIAL without the engine: it creates and destroys the real topology, but has no preview, no diff, no refresh and no encrypted state." >&2
      exec node lab/trial/trial.ts "$action"
      ;;
    *) exit 1 ;;
  esac
fi

case $PULUMI_BACKEND_URL in file://"$PWD"/*) install -d -m 700 "${PULUMI_BACKEND_URL#file://}" ;; esac
pulumi stack select lab 2>/dev/null || pulumi stack init lab
case $action in
  preview) exec node cli/preview.ts --stack lab "$@" ;;
  *) exec pulumi "$action" --stack lab --yes --skip-preview "$@" ;;
esac
