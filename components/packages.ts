import type * as pulumi from "@pulumi/pulumi";
import type { Role } from "../lib/roles.ts";
import { type Host, type HostStepArgs, hostStep } from "./host.ts";

/** Debian and Ubuntu packages by role. */
const packages: Record<Role, string[]> = {
	manager: ["docker.io"],
	worker: ["docker.io"],
	app: ["docker.io", "nfs-common", "curl", "busybox-static", "conntrack", "iptables", "python3"],
	log: ["nfs-kernel-server"],
	// What its kind needs.
	balancer: [],
	registry: ["docker-registry", "apache2-utils", "openssl", "curl"],
};

/** What the packages' services shall do right after the installation. */
const units: Partial<Record<Role, string>> = { manager: "docker", worker: "docker" };

/** Packages beyond those that each host with a role has. */
export type RolePackages = Partial<Record<Role, string[]>>;

/** Installs what a host's roles need, and `more`. What is installed already is left as it is. */
export function installPackages(name: string, host: Host, more: RolePackages, parent: pulumi.Resource): pulumi.Resource {
	const wanted = [...new Set(host.roles.flatMap((role) => [...packages[role], ...(more[role] ?? [])]))].sort();
	const enabled = [...new Set(host.roles.flatMap((role) => units[role] ?? []))];
	// The docker CLI, which @pulumi/docker works like, talks to the daemon as the one who logs in.
	const operator = host.roles.includes("manager") && host.user !== "root" ? host.user : undefined;
	const step: HostStepArgs = { step: "host/packages", ...(operator && { settings: { operator } }), packages: wanted, units: enabled };
	return hostStep((host) => `${name}-${host}-packages`, host, step, { parent });
}
