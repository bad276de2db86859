import type * as pulumi from "@pulumi/pulumi";
import { kit } from "../host/kit.ts";
import type { Role } from "../lib/roles.ts";
import { HostBootstrap, type HostBootstrapInputs } from "../providers/host/resource.ts";
import { type Host, owner } from "./host.ts";
import { aliasesOf } from "./hostNames.ts";

/** Debian and Ubuntu packages by role. */
const packagesOf: Record<Role, string[]> = {
	manager: ["docker.io"],
	worker: ["docker.io"],
	app: ["docker.io", "nfs-common", "curl", "busybox-static", "conntrack", "iptables", "python3"],
	log: ["nfs-kernel-server"],
	// The kind of load balancer adds its own.
	balancer: [],
	registry: ["docker-registry", "apache2-utils", "openssl", "curl"],
};

/** Units to enable and start after the installation. */
const unitsOf: Partial<Record<Role, string>> = { manager: "docker", worker: "docker" };

/** Additional packages by role. */
export type RolePackages = Partial<Record<Role, string[]>>;

export interface BootstrapArgs extends Pick<HostBootstrapInputs, "property" | "isMade" | "isBooting" | "deadlineSeconds" | "hint"> {
	/** Additional packages that roles need. */
	packages: RolePackages;
}

/**
 * Makes a host from what a source knows of it: checked, with this program's scripts and the packages that its roles need. Each step on it waits for that.
 *
 * @param source The source's name; the resource's name begins with it.
 */
export function bootstrap(
	source: string,
	host: Omit<Host, "ready" | "drift">,
	{ packages, ...args }: BootstrapArgs,
	opts: pulumi.CustomResourceOptions,
): Host {
	const { name, roles, user, connection, machineId } = host;
	const of = (host: string) => `${source}-${host}-bootstrap`;
	// @pulumi/docker works like the docker CLI: it talks to the daemon as the login user.
	const operator = roles.includes("manager") && user !== "root" ? user : undefined;
	const ready = new HostBootstrap(
		of(name),
		{
			host: name,
			...args,
			connection,
			...(machineId !== undefined && { machineId }),
			owner: owner(),
			roles,
			version: kit().version,
			packages: [...new Set(roles.flatMap((role) => [...packagesOf[role], ...(packages[role] ?? [])]))].sort(),
			units: [...new Set(roles.flatMap((role) => unitsOf[role] ?? []))],
			...(operator && { operator }),
			...(host.isLost && { isLost: true }),
		},
		{
			...opts,
			deletedWith: host.machine,
			retainOnDelete: host.isLost,
			// Nothing is sent to a host that is lost.
			ignoreChanges: host.isLost ? ["connection", "version", "roles", "packages", "units", "operator"] : [],
			aliases: aliasesOf(host, of),
		},
	);
	return { ...host, ready, drift: ready.drift };
}
