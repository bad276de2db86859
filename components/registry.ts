import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
// The whole of @pulumi/aws takes half a second to load; these two parts take none.
import { getAuthorizationTokenOutput } from "@pulumi/aws/ecr/getAuthorizationToken.js";
import type { Region } from "@pulumi/aws/index.js";
import { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../config/fault.ts";
import { plainSecret } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import { registryPort } from "../config/sections/image.ts";
import { type EcrRegistry, ecrRegistry } from "../lib/ecr.ts";
import { GeneratedSecret } from "../providers/generated-secret/resource.ts";
import { knownByFormerNames } from "./formerNames.ts";
import { type Host, remoteStep } from "./host.ts";
import type { Hosts } from "./hosts.ts";
import { registryLogin } from "./registryLogin.ts";

/** Where images are pushed to and pulled from: a registry of this stack with TLS and a password, or one that exists: Docker Hub, ECR, a private one. */
export class Registry extends pulumi.ComponentResource {
	/** Host, with port when not 443; `docker.io` for Docker Hub. */
	readonly server: string;
	/** Whether it runs on a host of this stack: then only its nodes know its certificate. */
	readonly isOwn: boolean;
	/** Empty for a public registry without login. */
	readonly username: string;
	/** Secret. Absent for a public registry without login. For ECR a token that ends after 12 hours. */
	readonly password: pulumi.Output<string> | undefined;
	/** PEM certificate of the registry's CA; absent where the public ones do, or where only nodes know it. */
	readonly ca: string | undefined;
	/** What pulls or pushes waits for these. */
	readonly ready: pulumi.Resource[];
	readonly #trusting = new Map<string, pulumi.Resource>();
	/** Changes when the host of a registry of this stack is made anew: no image is there any more. */
	readonly storage: pulumi.Output<string> | undefined;

	constructor(name: string, topology: Topology, hosts: Hosts, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:Registry", name, {}, knownByFormerNames(topology, opts));
		const { registry, service } = topology;
		const own = hosts.with("registry")[0];
		const ecr = ecrRegistry(registry.server);
		this.server = registry.server ?? (own ? `${own.address}:${registryPort}` : "docker.io");
		this.isOwn = own !== undefined;
		this.username = ecr ? "AWS" : (registry.username ?? (own ? "pusher" : ""));
		this.ca = certificateOf(registry);
		this.storage = own && storageOn(own);
		if (ecr) this.password = this.#ecrToken(name, ecr);
		else if (registry.password) this.password = pulumi.secret(passwordOf(registry.password));
		else if (own) this.password = new GeneratedSecret(`${name}-password`, { parent: this }).value;
		if (own) this.ready = this.#trust(name, hosts, this.#serve(name, own).stdout);
		else if (ecr) this.ready = hosts.with("manager").map((manager) => registryLogin(manager, service.name, this.server, this));
		else this.ready = this.ca ? this.#trust(name, hosts, this.ca) : [];
		this.registerOutputs({ server: this.server });
	}

	/** What pulls on this host waits for these. */
	readyOn({ name }: Pick<Host, "name">): pulumi.Resource[] {
		const trust = this.#trusting.get(name);
		return trust ? [trust] : [];
	}

	/** A token for who runs `pulumi`: it looks up digests, pushes, and goes with each update of the service. A new one at every run. */
	#ecrToken(name: string, { accountId, region }: EcrRegistry): pulumi.Output<string> {
		const profile = new pulumi.Config("aws").get("profile");
		const provider = new AwsProvider(name, { region: region as Region, profile }, { parent: this });
		const token = getAuthorizationTokenOutput({ registryId: accountId }, { provider });
		return pulumi.secret(token.apply(({ password }) => password));
	}

	/** Starts the registry on its host. Its certificate is the step's output. */
	#serve(name: string, host: Host) {
		return remoteStep(
			name,
			host,
			{
				script: registryScript(host.address, this.username),
				stdin: pulumi.interpolate`${this.password}\n`,
				looks: ["config.yml", "htpasswd", "tls.crt", "tls.key"]
					.map((file) => `file /etc/docker/registry/${file}`)
					.concat("unit docker-registry"),
				deleteScript: "systemctl disable --now docker-registry",
			},
			{ parent: this },
		);
	}

	/** Makes every swarm node trust a certificate for this registry. */
	#trust(name: string, hosts: Hosts, certificate: pulumi.Input<string>): pulumi.Resource[] {
		const nodes = hosts.all.filter(({ roles }) => roles.includes("manager") || roles.includes("worker"));
		const step = {
			script: trustScript(this.server),
			stdin: certificate,
			looks: [`file /etc/docker/certs.d/${this.server}/ca.crt`],
			deleteScript: `rm -rf /etc/docker/certs.d/${this.server}`,
		};
		for (const node of nodes) this.#trusting.set(node.name, remoteStep(`${name}-trust-${node.name}`, node, step, { parent: this }));
		return [...this.#trusting.values()];
	}
}

/** A machine made anew has another ID, another host key, or both. */
function storageOn({ machine, address, connection }: Host): pulumi.Output<string> {
	const hostKey = pulumi.unsecret(connection.apply((known) => known.hostKey));
	return pulumi.interpolate`${machine?.id ?? address} ${hostKey}`;
}

/** The password, which a registry takes as one line. @throws ConfigError when it is none. */
function passwordOf(value: NonNullable<Topology["registry"]["password"]>): string {
	const password = plainSecret(value, "registry.password");
	if (!/\p{Cc}/u.test(password)) return password;
	throw new ConfigError([{ property: "registry.password", remedy: "holds a line feed or another control character: give it without" }]);
}

/** The CA's certificate from the configuration. @throws ConfigError when it cannot be read or is over. */
function certificateOf({ ca, caFile }: Topology["registry"]): string | undefined {
	const property = caFile === undefined ? "registry.ca" : "registry.caFile";
	const refuse = (remedy: string) => new ConfigError([{ property, value: caFile, remedy }]);
	let text = ca;
	try {
		if (caFile !== undefined) text = fs.readFileSync(caFile, "utf8");
	} catch (error) {
		throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code}): name a certificate file of this machine`);
	}
	if (text === undefined) return undefined;
	const { validTo } = parseCertificate(text) ?? {};
	if (!validTo) throw refuse("is no certificate in PEM form: use -----BEGIN CERTIFICATE----- and so on");
	if (new Date(validTo) < new Date()) throw refuse(`the certificate ended on ${validTo}: use the CA's present one`);
	return text;
}

function parseCertificate(text: string): X509Certificate | undefined {
	try {
		return new X509Certificate(text);
	} catch {
		return undefined;
	}
}

/** Configures the distribution registry; the password comes by standard input, the certificate goes to standard output. The key never leaves the host. */
function registryScript(address: string, username: string): string {
	return `
IFS= read -r password
directory=/etc/docker/registry
install -d -m 755 $directory
install -d -m 700 /var/lib/docker-registry
umask 077
printf '%s\\n' "$password" | htpasswd -Bic $directory/htpasswd.new ${username} 2>/dev/null
# A certificate that still serves is kept: a new one would be a change on every node.
good() { openssl x509 -in $directory/tls.crt -noout -checkend 2592000 && openssl x509 -in $directory/tls.crt -noout -checkip ${address} | grep -q 'does match'; }
if ! good > /dev/null 2>&1; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=registry \\
    -addext subjectAltName=IP:${address} -keyout $directory/tls.key -out $directory/tls.crt 2>/dev/null
fi
mv $directory/htpasswd.new $directory/htpasswd
chown docker-registry $directory/tls.key $directory/htpasswd
chmod 644 $directory/tls.crt
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
chmod 644 $directory/config.yml
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
	return `install -d -m 755 /etc/docker/certs.d/${server}; install -m 644 /dev/stdin /etc/docker/certs.d/${server}/ca.crt`;
}
