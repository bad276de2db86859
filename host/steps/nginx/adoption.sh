# shellcheck shell=bash
# Files of NGINX that others wrote: they are taken over where the stack's own file says the same, and never removed silently. The variables are those of
# site.sh: `staged` is the copy of what NGINX reads.
declare -a adopt+=() adopted=()
: "${kept?}"

# What the stack says in its own way, for reasons of its own: others may have said it differently. So it is with a map of $http_upgrade.
own_way='proxy_pass proxy_set_header proxy_http_version proxy_next_upstream proxy_next_upstream_tries proxy_next_upstream_timeout'
own_way+=' keepalive keepalive_requests keepalive_time keepalive_timeout'

# Prints what files of NGINX say, one directive a line and in order: of `listen` and of an upstream's `server` the address, of blocks the locations. Good
# for a comparison only: it knows no quoted braces or semicolons, which at worst make a line that nothing equals.
directives() {
  # shellcheck disable=SC2016
  sed -E 's/(^|[[:space:]])#.*$//' "$@" | tr '\n\t' '  ' | sed 's/[{};]/&\n/g' | awk -v own="$own_way" '
    BEGIN { split(own, words, " "); for (i in words) skip[words[i]] = 1 }
    { sub(/^ +/, ""); gsub(/ +/, " ") }
    /\}$/ { depth--; next }
    /\{$/ { block[++depth] = $1 " " $2 == "map $http_upgrade" ? "own" : $1; sub(/ ?\{$/, ""); if ($1 == "location") print; next }
    /;$/ {
      sub(/ ?;$/, "")
      if ($1 in skip || block[depth] == "own") next
      if ($1 == "listen") { sub(/^(\*|0\.0\.0\.0):/, "", $2); print $1, $2 (/ ssl( |$)/ ? " ssl" : "") }
      else if ($1 == "server" && block[depth] == "upstream") print $1, $2
      else if ($1 == "server_name") for (i = 2; i <= NF; i++) print $1, $i
      else print
    }' | sort -u
}

# What the files say, and `$staged/new` does not.
lost() {
  local any_name='' one
  # A default server with no name of its own serves every name.
  if grep -qE '^ *server_name _;' "${staged:?}/new"; then any_name='\,^server_name ,d'; fi
  for one in "${adopted[@]}"; do
    comm -23 <(directives "$one") <(directives "$staged/new") | sed "$any_name;s|^|  $one: |"
  done
}

# Finds those that are there, and takes them out of the staged copy. Refuses what would be lost.
stage_adoption() {
  local one found
  [ ${#adopt[@]} -gt 0 ] || return 0
  for one in "${adopt[@]}"; do
    if [ -e "$one" ]; then adopted+=("$one"); fi
  done
  if [ -d /etc/nginx/sites-enabled ]; then cp -a /etc/nginx/sites-enabled "$staged/"; fi
  found=$(lost)
  [ -z "$found" ] || fail "nginx.adopt: these say what the configuration does not, and it would be lost:" "$found" \
    "configure it (nginx.*), or take it out of the file first; a site of HTTPS cannot be taken over"
  for one in "${adopted[@]}"; do rm -f "$staged/${one#/etc/nginx/}"; done
}

# Takes them out of what NGINX reads, together with the swap.
take_out() {
  local one
  for one in "${adopted[@]}"; do
    mkdir -p "$kept/$(basename "$(dirname "$one")")"
    mv "$one" "$kept/${one#/etc/nginx/}"
  done
}

put_back() {
  local one
  for one in "${adopted[@]}"; do mv "$kept/${one#/etc/nginx/}" "$one"; done
}
