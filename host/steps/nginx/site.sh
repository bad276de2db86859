# shellcheck shell=bash
# Puts a file of NGINX into effect: tested in place under a private mount, so that the live file is untouched until the new one is known to be good;
# swapped atomically; reloaded; and taken back when NGINX does not come up with it (a port that is taken shows only then).
: "${kit:?}" "${file:?}"
# Settings that only a newer NGINX has: `<version> <setting>: <remedy>`.
declare -a needs+=()
# Files of others that it takes the place of, and the directory where they are kept.
declare -a adopt+=()
kept=${kept-}
# Once it is in effect: the directory that has a file for each of these names from then on, and the one that has only this certificate.
flags=${flags-}
declare -a flagged+=()
certificate=${certificate-}
# shellcheck source=host/steps/nginx/adoption.sh
. "$kit/nginx/adoption.sh"
# shellcheck source=host/steps/nginx/versions.sh
. "$kit/nginx/versions.sh"

version=$(nginx -v 2>&1 | sed 's,.*nginx/\([0-9.]*\).*,\1,')
for need in "${needs[@]}"; do
  since=${need%% *} what=${need#* }
  if dpkg --compare-versions "$version" lt "$since"; then
    fail "${what%%: *}: needs NGINX $since, the host has $version: ${what#*: }, or install a newer NGINX"
  fi
done

# With a copy of what NGINX reads in the place of it, for this one process.
passes_test() {
  # shellcheck disable=SC2016
  unshare -m bash -c '
    for directory in conf.d sites-enabled; do
      [ ! -e "$1/$directory" ] || mount --bind "$1/$directory" "/etc/nginx/$directory" || exit
    done
    nginx -t' test "$staged"
}

workers() { pgrep -P "$(cat /run/nginx.pid 2> /dev/null || echo 0)" | sort || true; }
come_up() {
  if ! systemctl is-active -q nginx; then
    systemctl enable --now nginx >&2
    return
  fi
  before=$(workers)
  systemctl reload nginx || return 1
  # A reload that fails (port taken) leaves the old workers alone, and says so only in the error log.
  wait_for 20 has_new_workers
}
has_new_workers() { [ -n "$(comm -13 <(echo "$before") <(workers))" ]; }

staged=$(mktemp -d /etc/nginx/.staged.XXXXXX)
trap 'rm -rf "$staged"' EXIT
for_this_version < "$(given "$file")" > "$staged/new"
# The distribution's example site would answer on port 80 instead.
rm -f /etc/nginx/sites-enabled/default
cp -a /etc/nginx/conf.d "$staged/conf.d"
cp "$staged/new" "$staged/conf.d/$(basename "$file")"
stage_adoption
if ! said=$(passes_test 2>&1); then
  others=$(find /etc/nginx/conf.d /etc/nginx/sites-enabled -mindepth 1 -name '[!.]*' ! -path "$file" 2> /dev/null || true)
  fail "NGINX refuses the configuration; the old one stays in effect:" "$said" \
    ${others:+"these are there beside it, made by other means; nginx.adopt takes over what it names:" "$others"}
fi
if [ -e "$file" ]; then cp -a "$file" "$staged/old"; fi
chmod 644 "$staged/new"
take_out
mv "$staged/new" "$file"
if ! come_up; then
  said=$({ last_words nginx; tail -n 5 /var/log/nginx/error.log; } 2>&1 || true)
  put_back
  if [ -e "$staged/old" ]; then
    mv "$staged/old" "$file"
    systemctl reload nginx || true
  else
    rm -f "$file"
  fi
  fail "NGINX does not run with the new configuration; the old one stays in effect:" "$said"
fi
if [ "$flags" ]; then
  mkdir -p "$flags"
  for flag in "$flags"/*; do
    [[ " ${flagged[*]} " == *" ${flag##*/} "* ]] || rm -f "$flag"
  done
  for flag in "${flagged[@]}"; do touch "$flags/$flag"; done
fi
if [ "$certificate" ]; then find "$(dirname "$certificate")" -type f ! -path "$certificate" -delete; fi
