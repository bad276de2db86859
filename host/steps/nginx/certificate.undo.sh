# shellcheck shell=bash
: "${directory:?}"

rm -rf "$directory"
