import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

/** Where the service's log directory lies. */
export type ServiceMount =
	| { type: "bind"; target: string; source: string }
	/** An NFS volume: `name` carries a hash of `device` and `options`, because a volume keeps the options it was made with. */
	| { type: "volume"; target: string; name: string; device: string; options: string };

export interface ServiceNode {
	name: string;
	nodeId: string;
	/** Private address. */
	address: string;
	connection: Connection;
}

/** A Docker secret, mounted as /run/secrets/<file>. */
export interface ServiceSecret {
	file: string;
	id: string;
	name: string;
}

export interface ServiceInputs {
	/** A manager. */
	manager: Connection;
	/** Name of the service. Change: replaces. */
	name: string;
	/** `project/stack`. */
	owner: string;
	/** Image by digest: `registry/name@sha256:…`. */
	image: string;
	/** Credentials the nodes pull with. Secret. */
	registryAuth?: { serveraddress: string; username: string; password: string };
	/** Tasks; in host mode the number of nodes. */
	replicas: number;
	/** Change of `mode`: replaces, Swarm cannot turn a global service into a replicated one. */
	publish: { mode: string; target: number; published: number };
	env: Record<string, string>;
	/** Environment with secret values. Secret. */
	secretEnv: Record<string, string>;
	secrets: ServiceSecret[];
	mount: ServiceMount;
	/** User[:group] of the container. */
	user?: string;
	health: { path: string; deadlineSeconds: number };
	/** CPU limit in CPUs. */
	cpus?: number;
	memoryMiB?: number;
	stopGraceSeconds: number;
	/** Seconds all tasks may take to run. */
	convergeSeconds: number;
	/** Node label that the tasks are bound to: `[name, value]`. */
	placement: string[];
	/** The nodes that run the tasks. */
	nodes: ServiceNode[];
}

export interface ServiceOutputs {
	serviceId: string;
	/** What runs at the last look: image, and tasks running. */
	observed: { image: string; running: number };
}

/** A Swarm service that is updated until every task of it runs and answers. */
export class Service extends ScaleoutResource {
	declare readonly serviceId: pulumi.Output<string>;
	declare readonly name: pulumi.Output<string>;
	declare readonly image: pulumi.Output<string>;
	declare readonly observed: pulumi.Output<ServiceOutputs["observed"]>;

	constructor(name: string, args: { [K in keyof ServiceInputs]: pulumi.Input<ServiceInputs[K]> }, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, serviceId: undefined, observed: undefined };
		const additionalSecretOutputs = ["manager", "registryAuth", "secretEnv", "nodes"];
		super("service", "Service", name, props, { additionalSecretOutputs, ...opts });
	}
}
