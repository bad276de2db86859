# shellcheck shell=bash
# Removes the agent, and opens what it has closed.
: "${unit:?}" "${service:?}" "${program:?}"

systemctl disable --now "$unit" || true
[ ! -e "$program" ] || python3 "$program" --service "$service" --clear
remove_files
rm -rf "/run/$unit"
