# shellcheck shell=bash
# Takes a file out of effect.
flags=${flags-}
: "${file:?}"

if [ "$flags" ]; then rm -rf "$flags"; fi
remove_files
# Another site may keep NGINX from it: then what runs goes on until that is mended.
{ nginx -t && systemctl reload nginx; } || say "NGINX was not reloaded, see nginx -t: it serves $file until it is"
