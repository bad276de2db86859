import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import type { Health } from "../../lib/health.ts";
import { ScaleoutResource } from "../shell.ts";

/** Where the service's log directory is. */
export type ServiceMount =
	| { type: "bind"; target: string; source: string }
	/** An NFS volume: `name` contains a hash of `device` and `options`, because a volume keeps the options it was created with. */
	| { type: "volume"; target: string; name: string; device: string; options: string };

export interface ServiceNode {
	name: string;
	nodeId: string;
	/** Private address. */
	address: string;
	connection: Connection;
	/** This stack creates the machine: if it does not answer, everything else can still be deleted. */
	isMade?: boolean;
}

/** A Docker secret, mounted as /run/secrets/<file>. */
export interface ServiceSecret {
	file: string;
	id: string;
	name: string;
}

/** How tasks are replaced. The node's agent does the lossless part, see host/agents/drain_agent.py. */
export interface Rollout {
	strategy: string;
	parallelism: number;
	/** Names of nodes to update first; the others follow. All go one at a time, as the agents ensure. Empty: Swarm's own order. */
	order: string[];
	delaySeconds: number;
	monitorSeconds: number;
	settleSeconds: number;
	peerPort: number;
	turnLimitSeconds: number;
	drainLimitSeconds: number;
	failureAction: string;
	prober: { path: string; ratePerSecond: number; failOnError: boolean };
}

export interface ServiceInputs {
	/** All managers of the configuration: any that answers is used. */
	managers: Connection[];
	/** The swarm. */
	clusterId: string;
	/** Name of the service. Change: replaces. */
	name: string;
	/** `project/stack`. */
	owner: string;
	/** ID of a service made by other means that may be taken over. */
	adopt?: string;
	/** Image: `registry/name@sha256:…`, or with a tag, which is resolved to its digest at each change. */
	image: string;
	/** Credentials the nodes pull with. Secret. */
	registryAuth?: { serveraddress: string; username: string; password: string };
	/** Number of tasks; in host mode the number of nodes. */
	replicas: number;
	/** Change of `mode`: replaces, as Swarm cannot turn a global service into a replicated one. */
	publish: { mode: string; target: number; published: number };
	env: Record<string, string>;
	/** Environment with secret values. Secret. */
	secretEnv: Record<string, string>;
	secrets: ServiceSecret[];
	mount: ServiceMount;
	/** User[:group] of the container. */
	user?: string;
	health: Health & { deadlineSeconds: number; intervalSeconds: number; retries: number };
	/** CPU limit in CPUs. */
	cpus?: number;
	memoryMiB?: number;
	stopGraceSeconds: number;
	/** Increased to restart all tasks. */
	restart: number;
	rollout: Rollout;
	/** URL of the load balancer, for the prober. */
	endpoint: string;
	/** Host name that the prober requests there. Absent: the URL's. */
	serverName?: string;
	/** Seconds all tasks may take to run. Absent: computed from the number of nodes and the time limits, see lib/rollout.ts. */
	convergeSeconds?: number;
	/** Node label that the tasks are bound to: `[name, value]`. */
	placement: string[];
	/** The nodes that run the tasks. */
	nodes: ServiceNode[];
}

export interface ServiceOutputs {
	serviceId: string;
	/** The requested image, by digest. */
	imageDigest: string;
	/**
	 * The last observation: the image, the number of its tasks that run on their nodes, and what is not as configured (parts of the spec, a stopped
	 * update, nodes that do not serve, volumes). `inherited`: parts of the spec that are still as they were when the service was adopted.
	 */
	observed: { image: string; running: number; differs: string[]; inherited?: string[] };
	/** What the prober saw during the last rollout with it on. Null before that: an absent output would show as unknown in every preview. */
	lastRollout: ProbeResult | null;
}

/** Requests sent through the load balancer during a rollout. Times in milliseconds. */
export interface ProbeResult {
	total: number;
	failed: number;
	p50: number;
	p99: number;
	/** Longest time without a successful answer. */
	longestGap: number;
}

/** A Swarm service. An update ends when every task runs and answers. */
export class Service extends ScaleoutResource {
	declare readonly serviceId: pulumi.Output<string>;
	declare readonly name: pulumi.Output<string>;
	declare readonly imageDigest: pulumi.Output<string>;
	declare readonly lastRollout: pulumi.Output<ProbeResult | null>;
	declare readonly observed: pulumi.Output<ServiceOutputs["observed"]>;

	constructor(name: string, args: { [K in keyof ServiceInputs]: pulumi.Input<ServiceInputs[K]> }, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, serviceId: undefined, imageDigest: undefined, observed: undefined, lastRollout: undefined };
		const additionalSecretOutputs = ["managers", "registryAuth", "secretEnv", "nodes"];
		super("service", "Service", name, props, { additionalSecretOutputs, ...opts });
	}
}
