import * as pulumi from "@pulumi/pulumi";
import type { Role } from "../lib/roles.ts";
import type { RolePackages } from "./bootstrap.ts";
import type { Host } from "./host.ts";
import type { Source } from "./sources/source.ts";

export interface HostsArgs {
	/** Where they come from: `localSource`, `existingSource` or `awsSource`. Change: replaces everything. */
	source: Source;
	/** Additional packages that roles need, such as those of the load balancer's kind. */
	packages?: RolePackages;
}

/** All hosts, ready for use: reachable, checked, with the packages that their roles need. */
export class Hosts extends pulumi.ComponentResource {
	readonly all: Host[];

	constructor(name: string, { source, packages = {} }: HostsArgs, opts?: pulumi.ComponentResourceOptions) {
		const transformations = [...(opts?.transformations ?? []), ...(source.policy ? [source.policy] : [])];
		super("scaleout:index:Hosts", name, {}, { ...opts, transformations });
		this.all = source.hosts(name, packages, this);
		this.registerOutputs({ names: this.all.map((host) => host.name) });
	}

	with(role: Role): Host[] {
		return this.all.filter((host) => host.roles.includes(role));
	}

	/** The host with this role; the first one if there are several. */
	one(role: Role): Host {
		return this.with(role)[0] as Host;
	}
}
