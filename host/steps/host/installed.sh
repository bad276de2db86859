# shellcheck shell=bash
# Prints `kit` and the hash of all scripts, where they are as they were put there. Changes nothing.
: "${kit:?}"

if cd "$kit" 2> /dev/null && sha256sum --quiet -c sums > /dev/null 2>&1; then echo "kit $(sha256sum sums | cut -c-12)"; fi
