import * as pulumi from "@pulumi/pulumi";
import { secretOf } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import { GeneratedSecret } from "../providers/generated-secret/resource.ts";
import { type Host, remoteStep } from "./host.ts";
import type { Hosts } from "./hosts.ts";

/** Port of the registry of this stack. */
export const registryPort = 5000;

/** Where images are pushed to and pulled from: a registry of this stack with TLS and a password, or one that exists. */
export class Registry extends pulumi.ComponentResource {
	/** Host, with port when not 443; `docker.io` for Docker Hub. */
	readonly server: string;
	readonly username: string;
	/** Secret. Absent for a public registry without login. */
	readonly password: pulumi.Output<string> | undefined;
	/** What pulls or pushes waits for these. */
	readonly ready: pulumi.Resource[];

	constructor(name: string, topology: Topology, hosts: Hosts, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:Registry", name, {}, opts);
		const { registry } = topology;
		const host = hosts.with("registry")[0];
		this.server = registry.server ?? (host ? `${host.address}:${registryPort}` : "docker.io");
		this.username = registry.username;
		if (registry.password) this.password = secretOf(registry.password, "registry.password");
		else if (host) this.password = new GeneratedSecret(`${name}-password`, { parent: this }).value;
		this.ready = host ? this.#serve(name, host, hosts) : [];
		this.registerOutputs({ server: this.server });
	}

	/** Starts the registry on its host and makes every swarm node trust its certificate. */
	#serve(name: string, host: Host, hosts: Hosts): pulumi.Resource[] {
		const password = this.password as pulumi.Output<string>;
		const served = remoteStep(
			name,
			host,
			{
				script: registryScript(host.address, this.username),
				stdin: pulumi.interpolate`${password}\n`,
				deleteScript: "systemctl disable --now docker-registry",
			},
			{ parent: this },
		);
		const nodes = hosts.all.filter(({ roles }) => roles.includes("manager") || roles.includes("worker"));
		return nodes.map((node) =>
			remoteStep(
				`${name}-trust-${node.name}`,
				node,
				{ script: trustScript(this.server), stdin: served.stdout, deleteScript: `rm -rf /etc/docker/certs.d/${this.server}` },
				{ parent: this },
			),
		);
	}
}

/** Configures the distribution registry; the password comes by standard input, the certificate goes to standard output. The key never leaves the host. */
function registryScript(address: string, username: string): string {
	return `
read -r password
directory=/etc/docker/registry
mkdir -p $directory /var/lib/docker-registry
printf '%s\\n' "$password" | htpasswd -Bic $directory/htpasswd.new ${username} 2>/dev/null
# A certificate that still serves is kept: a new one would be a change on every node.
good() { openssl x509 -in $directory/tls.crt -noout -checkend 2592000 && openssl x509 -in $directory/tls.crt -noout -checkip ${address} | grep -q 'does match'; }
if ! good > /dev/null 2>&1; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=registry \\
    -addext subjectAltName=IP:${address} -keyout $directory/tls.key -out $directory/tls.crt 2>/dev/null
fi
mv $directory/htpasswd.new $directory/htpasswd
chown docker-registry $directory/tls.key $directory/htpasswd
chmod 600 $directory/tls.key $directory/htpasswd
cat > $directory/config.yml <<'END'
version: 0.1
storage:
  filesystem: { rootdirectory: /var/lib/docker-registry }
  delete: { enabled: true }
http:
  addr: :${registryPort}
  tls: { certificate: /etc/docker/registry/tls.crt, key: /etc/docker/registry/tls.key }
auth:
  htpasswd: { realm: registry, path: /etc/docker/registry/htpasswd }
END
chown docker-registry /var/lib/docker-registry
systemctl is-enabled -q docker-registry || systemctl enable docker-registry >&2
systemctl restart docker-registry >&2
for attempt in $(seq 60); do
  # 401: it serves, and wants the password.
  code=$(curl -s -o /dev/null -w '%{http_code}' --cacert $directory/tls.crt https://${address}:${registryPort}/v2/ || true)
  [ "$code" = 401 ] && break
  sleep 1
done
[ "$code" = 401 ] || { echo "registry: no answer on ${address}:${registryPort} (last HTTP code $code)" >&2; journalctl -n 20 --no-pager -u docker-registry >&2; exit 1; }
cat $directory/tls.crt
`.trim();
}

/** Docker reads this directory at every pull: no restart. */
function trustScript(server: string): string {
	return `install -d -m 755 /etc/docker/certs.d/${server}; cat > /etc/docker/certs.d/${server}/ca.crt`;
}
