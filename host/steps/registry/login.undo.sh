# shellcheck shell=bash
: "${unit:?}"

systemctl disable --now "$unit.timer" "$unit.service" || true
remove_files
