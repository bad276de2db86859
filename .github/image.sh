#!/usr/bin/env bash
# Builds example/was under the name and tag that a stack's configuration gives to the image of a service, and pushes it:
#
#   image.sh build|push STACK [SERVICE]
#
# SERVICE is babble-was where it is left out. A tag other than `latest` is pushed once: what is released does not change.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: image.sh build|push STACK [SERVICE]"
action=${1:?$usage}
stack=${2:?$usage}
service=${3:-babble-was}

reference=$(node --input-type=module -e '
  import { parseTopology } from "./config/parse.ts";
  import { readStackFile } from "./config/stackFile.ts";
  const [, stack, service] = process.argv;
  const { services, registry } = parseTopology(readStackFile(`Pulumi.${stack}.yaml`));
  if (!Object.hasOwn(services, service)) throw new Error(`stack ${stack} has no service ${service}: use one of ${Object.keys(services).join(", ")}`);
  const { image } = services[service];
  console.log(`${registry.server ? `${registry.server}/` : ""}${image.name}:${image.tag}`);
' "$stack" "$service")

if [ "$action" = push ] && [ "${reference##*:}" != latest ] && docker manifest inspect "$reference" > /dev/null 2>&1; then
  echo "$reference is there already"
  exit
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
bash example/was/build.sh "$context"
docker build --tag "$reference" --build-arg "WAS_VERSION=${reference##*:}" "$context"
if [ "$action" = push ]; then docker push "$reference"; fi
