# shellcheck shell=bash
: "${file:?}"

rm -f "$file"
