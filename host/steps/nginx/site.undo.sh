# shellcheck shell=bash
# Takes a file out of effect.
mark=${mark-}

if [ "$mark" ]; then rm -f "$mark"; fi
remove_files
nginx -t && systemctl reload nginx
