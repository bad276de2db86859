import { shellQuote } from "../lib/connection.ts";

/* Files of NGINX that others wrote: they are taken over where the stack's own file says the same, and never removed silently. */

/** Files to take over, and where they are kept. */
export interface NginxAdoption {
	/** In conf.d or sites-enabled of /etc/nginx. */
	files: string[];
	/** Directory outside of what NGINX reads. */
	kept: string;
}

/** What the stack says in its own way, for reasons of its own: others may have said it differently. So it is with a map of $http_upgrade. */
const ownWay =
	"proxy_pass proxy_set_header proxy_http_version proxy_next_upstream proxy_next_upstream_tries proxy_next_upstream_timeout keepalive keepalive_requests keepalive_time keepalive_timeout";

/**
 * Shell function that prints what files of NGINX say, one directive a line and in order: of `listen` and of an upstream's `server` the address, of
 * blocks the locations. Good for a comparison only: it knows no quoted braces or semicolons, which at worst make a line that nothing equals.
 */
const directives = `
directives() {
  sed -E 's/(^|[[:space:]])#.*$//' "$@" | tr '\\n\\t' '  ' | sed 's/[{};]/&\\n/g' | awk -v own=${shellQuote(ownWay)} '
    BEGIN { split(own, words, " "); for (i in words) skip[words[i]] = 1 }
    { sub(/^ +/, ""); gsub(/ +/, " ") }
    /\\}$/ { depth--; next }
    /\\{$/ { block[++depth] = $1 " " $2 == "map $http_upgrade" ? "own" : $1; sub(/ ?\\{$/, ""); if ($1 == "location") print; next }
    /;$/ {
      sub(/ ?;$/, "")
      if ($1 in skip || block[depth] == "own") next
      if ($1 == "listen") { sub(/^(\\*|0\\.0\\.0\\.0):/, "", $2); print $1, $2 (/ ssl( |$)/ ? " ssl" : "") }
      else if ($1 == "server" && block[depth] == "upstream") print $1, $2
      else if ($1 == "server_name") for (i = 2; i <= NF; i++) print $1, $i
      else print
    }' | sort -u
}`.trim();

/** Finds the files of the adoption that are there, as `adopted`, and takes them out of the staged copy. Refuses what would be lost. */
export function stageAdoption({ files }: NginxAdoption): string {
	return `
adopted=()
for one in ${files.join(" ")}; do
  [ ! -e "$one" ] || adopted+=("$one")
done
[ ! -d /etc/nginx/sites-enabled ] || cp -a /etc/nginx/sites-enabled "$staged/"
${directives}
# A default server with no name of its own serves every name.
anyName=
if grep -qE '^ *server_name _;' "$staged/new"; then anyName='/^server_name /d'; fi
lost=$(for one in "\${adopted[@]}"; do
  comm -23 <(directives "$one") <(directives "$staged/new") | sed "$anyName;s|^|  $one: |"
done)
if [ -n "$lost" ]; then
  printf '%s\\n' "nginx.adopt: these say what the configuration does not, and it would be lost:" "$lost" "configure it (nginx.*), or take it out of the file first; a site of HTTPS cannot be taken over" >&2
  exit 1
fi
for one in "\${adopted[@]}"; do rm -f "$staged/\${one#/etc/nginx/}"; done`.trim();
}

/** Takes the files of the adoption out of what NGINX reads, together with the swap. */
export function takeOut({ kept }: NginxAdoption): string {
	return `
for one in "\${adopted[@]}"; do
  mkdir -p "${kept}/$(basename "$(dirname "$one")")"
  mv "$one" "${kept}/\${one#/etc/nginx/}"
done`.trim();
}

/** Puts them back. */
export function putBack({ kept }: NginxAdoption): string {
	return `for one in "\${adopted[@]}"; do mv "${kept}/\${one#/etc/nginx/}" "$one"; done`;
}
