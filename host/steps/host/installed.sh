# shellcheck shell=bash
# Prints the hash of all scripts, where they are as they were put there.
: "${kit:?}"

if cd "$kit" 2> /dev/null && sha256sum --quiet -c sums > /dev/null 2>&1; then sha256sum sums | cut -c-12; fi
