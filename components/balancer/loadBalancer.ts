import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host.ts";
import type { Upstream } from "../service.ts";

/** A server name that the load balancer answers to, and its routes. */
export interface Site {
	/** DNS name, with * for a wildcard, or _ for any. */
	serverName: string;
	/** By path prefix: the longest matching one wins. The path is passed on unchanged. */
	routes: Record<string, Upstream>;
}

/** A load balancer's program, with its settings: `nginx` makes one. */
export interface BalancerKind {
	/** Debian and Ubuntu packages that its host needs. */
	packages: string[];
	/** Makes a host serve the sites, by steps below `parent`. @returns A resource: once it exists, everything is served. */
	serve(name: string, front: Front, parent: pulumi.Resource): pulumi.Resource;
}

/** What is served, and where. */
export interface Front {
	/** Change: replaces everything. */
	host: Host;
	sites: Site[];
}

export interface LoadBalancerArgs extends Front {
	kind: BalancerKind;
}

/** The load balancer in front of the services' nodes. */
export class LoadBalancer extends pulumi.ComponentResource {
	/** Once it exists, everything configured is served. */
	readonly ready: pulumi.Resource;

	constructor(name: string, { kind, ...front }: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:LoadBalancer", name, {}, opts);
		this.ready = kind.serve(name, front, this);
		this.registerOutputs({});
	}
}
