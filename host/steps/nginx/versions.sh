# shellcheck shell=bash
# Copies standard input without the lines that are for other versions of NGINX than `$version`.
for_this_version() {
  local line
  while IFS= read -r line; do
    if [[ $line =~ \ #\ nginx\ (lt|ge)\ ([0-9.]+)$ ]]; then
      dpkg --compare-versions "${version:?}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" || continue
    fi
    printf '%s\n' "$line"
  done
}
