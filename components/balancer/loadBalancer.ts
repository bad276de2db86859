import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host.ts";
import type { Upstream } from "../service.ts";

/** What the load balancer answers to, and where it leads. */
export interface Site {
	/** DNS name, with * for a wildcard, or _ for any. */
	serverName: string;
	/** By where a path begins: the longest that fits. The path is passed on as it is. */
	routes: Record<string, Upstream>;
}

/** A program that balances, with its settings: `nginx` makes one. */
export interface BalancerKind {
	/** Debian and Ubuntu packages of its host. */
	packages: string[];
	/** Has the sites served on a host, by steps below `parent`. All is served once the resource that it returns is there. */
	serve(name: string, front: Front, parent: pulumi.Resource): pulumi.Resource;
}

/** What is served, and where. */
export interface Front {
	/** Another host replaces all. */
	host: Host;
	sites: Site[];
}

export interface LoadBalancerArgs extends Front {
	kind: BalancerKind;
}

/** The load balancer in front of the services' nodes. */
export class LoadBalancer extends pulumi.ComponentResource {
	/** All that is configured serves. */
	readonly ready: pulumi.Resource;

	constructor(name: string, { kind, ...front }: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:LoadBalancer", name, {}, opts);
		this.ready = kind.serve(name, front, this);
		this.registerOutputs({});
	}
}
