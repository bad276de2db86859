# shellcheck shell=bash
# NGINX looks for the file at each request: what is in flight ends normally.
: "${file:?}" "${maintenance:?}"

if [ "$maintenance" = on ]; then touch "$file"; else rm -f "$file"; fi
