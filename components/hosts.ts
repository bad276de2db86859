import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import type { Host } from "./host.ts";
import { installPackages } from "./packages.ts";
import { awsEndpoint, awsHosts } from "./sources/aws/index.ts";
import { securityPolicy } from "./sources/aws/policy.ts";
import { existingEndpoint, existingHosts } from "./sources/existing.ts";
import { localEndpoint, localHosts } from "./sources/local.ts";

/** A place hosts come from. A further one is one more entry here. */
interface Source {
	hosts(topology: Topology, parent: pulumi.Resource): Host[];
	/** URL under which people reach NGINX. */
	endpoint(topology: Topology, hosts: Host[]): pulumi.Input<string>;
	/** Looks at every resource of the hosts before it is made, and refuses what must not be. */
	policy?(topology: Topology): pulumi.ResourceTransformation;
}

const sources: Record<Topology["source"], Source> = {
	local: { hosts: localHosts, endpoint: localEndpoint },
	existing: { hosts: existingHosts, endpoint: existingEndpoint },
	aws: { hosts: awsHosts, endpoint: awsEndpoint, policy: securityPolicy },
};

/** All hosts of the topology, ready to be used: reachable, checked, with the packages their roles need. */
export class Hosts extends pulumi.ComponentResource {
	readonly all: Host[];
	readonly endpoint: pulumi.Input<string>;

	constructor(name: string, topology: Topology, opts?: pulumi.ComponentResourceOptions) {
		const source = sources[topology.source];
		const policies = source.policy ? [source.policy(topology)] : [];
		const transformations = [...(opts?.transformations ?? []), ...policies];
		super("scaleout:index:Hosts", name, {}, { ...opts, transformations });
		const hosts = source.hosts(topology, this);
		this.endpoint = source.endpoint(topology, hosts);
		this.all = hosts.map((host) => ({ ...host, ready: installPackages(host, topology, this) }));
		this.registerOutputs({ names: this.all.map((host) => host.name) });
	}

	with(role: Host["roles"][number]): Host[] {
		return this.all.filter((host) => host.roles.includes(role));
	}

	/** The one host with a role that the configuration allows once. */
	one(role: Host["roles"][number]): Host {
		return this.with(role)[0] as Host;
	}
}
