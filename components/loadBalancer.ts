import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { type Host, ownFileName, remoteStep } from "./host.ts";
import { methodSince, nginxConfig } from "./nginxConfig.ts";
import type { SwarmMember } from "./swarm.ts";

/** NGINX in front of the service's nodes. */
export class LoadBalancer extends pulumi.ComponentResource {
	readonly ready: pulumi.Resource;

	constructor(name: string, topology: Topology, host: Host, serving: SwarmMember[], opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:LoadBalancer", name, {}, opts);
		const { nginx, service } = topology;
		const servers = serving.map(({ host }) => ({ name: host.name, address: host.address }));
		const file = `/etc/nginx/conf.d/${ownFileName(name)}.conf`;
		const flag = `/etc/nginx/${ownFileName(name)}.maintenance`;
		this.ready = remoteStep(
			name,
			host,
			{
				script: applyScript(file, nginx),
				stdin: nginxConfig(nginx, service.publish.published, servers, flag),
				deleteScript: `rm -f ${file}; nginx -t && systemctl reload nginx`,
			},
			{ parent: this },
		);
		const maintenance = { script: maintenanceScript(flag), stdin: nginx.maintenance ? "on\n" : "off\n", deleteScript: `rm -f ${flag}` };
		remoteStep(`${name}-maintenance`, host, maintenance, { parent: this, dependsOn: [this.ready] });
		this.registerOutputs({});
	}
}

/** NGINX looks for the file at each request: what is in flight ends normally. */
function maintenanceScript(flag: string): string {
	return `read -r mode; if [ "$mode" = on ]; then touch ${flag}; else rm -f ${flag}; fi`;
}

/**
 * Puts the file from standard input into effect: tested in place under a private mount, so that the live file is untouched until the new one
 * is known to be good; swapped atomically; reloaded; and taken back when NGINX does not come up with it (a port that is taken shows only then).
 */
export function applyScript(file: string, nginx: Topology["nginx"]): string {
	const since = methodSince[nginx.method];
	return `
file=${file}
staged=$(mktemp -d /etc/nginx/.staged.XXXXXX)
trap 'rm -rf "$staged"' EXIT
cat > "$staged/new"
version=$(nginx -v 2>&1 | sed 's,.*nginx/\\([0-9.]*\\).*,\\1,')
if dpkg --compare-versions "$version" lt ${since}; then
  echo "nginx.method = ${nginx.method}: needs NGINX ${since}, the host has $version: choose another method, or install a newer NGINX" >&2
  exit 1
fi
# The distribution's example site would answer on port 80 instead.
rm -f /etc/nginx/sites-enabled/default
cp -a /etc/nginx/conf.d "$staged/conf.d"
cp "$staged/new" "$staged/conf.d/$(basename $file)"
if ! unshare -m bash -c "mount --bind $staged/conf.d /etc/nginx/conf.d && nginx -t" > "$staged/test" 2>&1; then
  echo "NGINX refuses the configuration; the old one stays in effect:" >&2
  cat "$staged/test" >&2
  exit 1
fi
[ -e $file ] && cp -a $file "$staged/old"
chmod 644 "$staged/new"
mv "$staged/new" $file

workers() { pgrep -P "$(cat /run/nginx.pid 2>/dev/null || echo 0)" | sort || true; }
come_up() {
  if ! systemctl is-active -q nginx; then systemctl enable --now nginx >&2; return; fi
  before=$(workers)
  systemctl reload nginx || return 1
  # A reload that fails (port taken) leaves the old workers alone, and says so only in the error log.
  for attempt in $(seq 40); do
    [ -n "$(comm -13 <(echo "$before") <(workers))" ] && return 0
    sleep 0.25
  done
  return 1
}
if ! come_up; then
  echo "NGINX does not run with the new configuration; the old one stays in effect:" >&2
  { journalctl -n 10 --no-pager -o cat -u nginx; tail -n 5 /var/log/nginx/error.log; } >&2 || true
  if [ -e "$staged/old" ]; then mv "$staged/old" $file; systemctl reload nginx || true; else rm -f $file; fi
  exit 1
fi
`.trim();
}
