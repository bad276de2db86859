// The whole of @pulumi/aws takes half a second to load; these two parts take none.
import { getAuthorizationTokenOutput } from "@pulumi/aws/ecr/getAuthorizationToken.js";
import type { Region } from "@pulumi/aws/index.js";
import { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { type EcrRegistry, ecrRegistry } from "../lib/ecr.ts";
import { registryPort } from "../lib/registry.ts";
import { GeneratedSecret } from "../providers/generated-secret/resource.ts";
import { type Host, type HostStepArgs, hostStep } from "./host.ts";
import type { RegistrySettings } from "./settings/registry.ts";

export interface RegistryArgs extends Pick<RegistrySettings, "server" | "username"> {
	/** Password or access token. Default on a registry of this stack: generated. Secret. A change applies to tasks that start later, and restarts none. */
	password?: pulumi.Input<string> | undefined;
	/** PEM certificate of the registry's CA. Default: the public CAs. */
	ca?: string | undefined;
	/** The host with role `registry` runs it; without one, the registry already exists. Managers push to it, and are made to trust its certificate. */
	hosts: Host[];
}

/** Where images are pushed and pulled: a registry of this stack with TLS and a password, or an existing one (Docker Hub, ECR, a private one). */
export class Registry extends pulumi.ComponentResource {
	/** Host, with port when not 443; `docker.io` for Docker Hub. */
	readonly server: string;
	/** Whether it runs on a host of this stack: then only its nodes know its certificate. */
	readonly isOwn: boolean;
	/** Whether its tokens expire, so that those used by the nodes must be renewed. */
	readonly isEcr: boolean;
	/** Empty for a public registry without login. */
	readonly username: string;
	/** Secret. Absent for a public registry without login. For ECR a token that expires after 12 hours. */
	readonly password: pulumi.Output<string> | undefined;
	/** PEM certificate of the registry's CA; absent if the public CAs suffice, or if only nodes know it. */
	readonly ca: string | undefined;
	/** What pulls or pushes must wait for these. */
	readonly ready: pulumi.Resource[];
	/** PEM certificate of its CA, or its own, if the public CAs do not suffice. */
	readonly #certificate: pulumi.Output<string> | undefined;
	/** Changes when the host of this stack's registry is recreated: then it has lost its images. */
	readonly storage: pulumi.Output<string> | undefined;

	constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:Registry", name, {}, opts);
		const { hosts, password, ca } = args;
		const own = hosts.find(({ roles }) => roles.includes("registry"));
		const ecr = ecrRegistry(args.server);
		this.server = args.server ?? (own ? `${own.address}:${registryPort}` : "docker.io");
		this.isOwn = own !== undefined;
		this.isEcr = ecr !== undefined;
		this.username = ecr ? "AWS" : (args.username ?? (own ? "pusher" : ""));
		this.ca = ca;
		this.storage = own && storageOn(own);
		if (ecr) this.password = this.#ecrToken(name, ecr);
		else if (password !== undefined) this.password = pulumi.secret(password);
		else if (own) this.password = new GeneratedSecret(`${name}-password`, { parent: this }).value;
		if (own) this.#certificate = this.#serve(name, own).stdout.apply(certificateIn);
		else if (ca) this.#certificate = pulumi.output(ca);
		this.ready = this.#trust(name, hosts);
		this.registerOutputs({ server: this.server });
	}

	/** The file that makes a node's Docker trust the registry. It is named after the caller, as several may need the same. */
	trustedBy(name: string): NonNullable<HostStepArgs["files"]> {
		return this.#certificate ? [{ path: `${this.#trustDirectory}/${name}.crt`, content: this.#certificate }] : [];
	}

	/** Docker reads this directory at every pull: no restart. */
	get #trustDirectory() {
		return `/etc/docker/certs.d/${this.server}`;
	}

	/** A token with the rights of the user who runs `pulumi`: for looking up digests, pushing, and each update of the service. A new one at every run. */
	#ecrToken(name: string, { accountId, region }: EcrRegistry): pulumi.Output<string> {
		const profile = new pulumi.Config("aws").get("profile");
		const provider = new AwsProvider(name, { region: region as Region, profile }, { parent: this });
		const token = getAuthorizationTokenOutput({ registryId: accountId }, { provider });
		return pulumi.secret(token.apply(({ password }) => password));
	}

	/** Starts the registry on its host. Its certificate is the step's output. */
	#serve(name: string, host: Host) {
		return hostStep(name, host, serveStep(host.address, this.username, this.password as pulumi.Output<string>), { parent: this });
	}

	/** Makes the managers trust it, because one of them pushes. */
	#trust(name: string, hosts: Host[]): pulumi.Resource[] {
		const files = this.trustedBy("managers");
		if (files.length === 0) return [];
		const managers = hosts.filter(({ roles }) => roles.includes("manager"));
		return managers.map((manager) =>
			hostStep((host) => `${name}-trust-${host}`, manager, { step: "registry/trust", files }, { parent: this }),
		);
	}
}

/** The certificate in a step's output: a login may print more (`.bashrc`). */
const certificateIn = (printed: string) => /-----BEGIN [\s\S]*-----END CERTIFICATE-----/.exec(printed)?.[0] ?? printed;

/** A recreated machine has another ID, another host key, or both. */
function storageOn({ machine, address, connection }: Host): pulumi.Output<string> {
	const hostKey = pulumi.unsecret(connection.apply((known) => known.hostKey));
	return pulumi.interpolate`${machine?.id ?? address} ${hostKey}`;
}

/** Runs the distribution registry. */
function serveStep(address: string, username: string, password: pulumi.Output<string>): HostStepArgs {
	const directory = "/etc/docker/registry";
	const config = `version: 0.1
storage:
  filesystem: { rootdirectory: /var/lib/docker-registry }
  delete: { enabled: true }
http:
  addr: :${registryPort}
  tls: { certificate: ${directory}/tls.crt, key: ${directory}/tls.key }
auth:
  htpasswd: { realm: registry, path: ${directory}/htpasswd }
`;
	return {
		step: "registry/serve",
		settings: { address, port: registryPort, username, password },
		directories: [
			{ path: directory, mode: "0755" },
			{ path: "/var/lib/docker-registry", mode: "0700", owner: "docker-registry:docker-registry" },
		],
		files: [{ path: `${directory}/config.yml`, content: config }],
		checks: [...["htpasswd", "tls.crt", "tls.key"].map((file) => `file ${directory}/${file}`), "unit docker-registry"],
	};
}
