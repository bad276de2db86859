#!/usr/bin/env bash
# Builds the service's image under the name and tag that a stack's configuration gives it, and pushes it:
#
#   image.sh build|push STACK
#
# A tag other than `latest` is pushed once: what is released does not change.
set -euo pipefail
cd "$(dirname "$0")/.."
action=${1:?usage: image.sh build|push STACK}
stack=${2:?usage: image.sh build|push STACK}

reference=$(node --input-type=module -e '
  import { parseTopology } from "./config/parse.ts";
  import { readStackFile } from "./config/stackFile.ts";
  const { image, registry } = parseTopology(readStackFile(`Pulumi.${process.argv[1]}.yaml`));
  console.log(`${registry.server ? `${registry.server}/` : ""}${image.name}:${image.tag}`);
' "$stack")

if [ "$action" = push ] && [ "${reference##*:}" != latest ] && docker manifest inspect "$reference" > /dev/null 2>&1; then
  echo "$reference is there already"
  exit
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
bash example/was/build.sh "$context"
docker build --tag "$reference" --build-arg "WAS_VERSION=${reference##*:}" "$context"
if [ "$action" = push ]; then docker push "$reference"; fi
