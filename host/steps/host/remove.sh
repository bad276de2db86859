# shellcheck shell=bash
# Removes the scripts of all steps, with the records of what came with them.
: "${kit:?}" "${records:?}"
declare -a own+=()

for record in "${own[@]}"; do rm -rf "${records:?}/$record"; done
if [ -d "$records" ]; then rmdir --ignore-fail-on-non-empty "$records"; fi
rm -rf "$kit"
