import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface NodeLabelInputs {
	/** All managers of the configuration: any that answers is used. */
	managers: Connection[];
	/** The swarm. Change: replaces. */
	clusterId: string;
	/** The node's host, asked whether a container of the service is left. */
	connection: Connection;
	/** ID of the SwarmNode. Change: replaces, one node at a time: the node loses its label, and with it its task, before it is removed. */
	node: string;
	/** ID of the node in the swarm. It differs from `node` once the host has left and joined again. */
	nodeId: string;
	/** Private address of the node, which names it while another node waits for it. */
	address: string;
	/** Name of the label. Change: replaces. */
	label: string;
	/** Its value. Change: in place; what is bound to the old value stops. */
	value: string;
	/** Name of the service that is bound to the label. */
	service: string;
	/** Seconds that a task of the service may take to stop: its turn, its drain and its stop grace. */
	stopSeconds: number;
	/** The export that tasks there will mount. The node must prove that it can write to it before it gets the label, and again when this changes. */
	mount?: ExportMount;
}

export interface ExportMount {
	/** Address of the NFS server. */
	server: string;
	/** Exported directory. */
	path: string;
	/** Mount options, in the form of the local volume driver. */
	options: string;
}

export interface NodeLabelOutputs {
	/** The label as the swarm had it at the last check; empty when it was missing. */
	observed: Record<string, string>;
}

/** A label that binds a service to a node. A delete removes the label and waits until no container of the service is left on the node. */
export class NodeLabel extends ScaleoutResource {
	constructor(
		name: string,
		args: { [K in keyof NodeLabelInputs]: pulumi.Input<Exclude<NodeLabelInputs[K], undefined>> },
		opts?: pulumi.CustomResourceOptions,
	) {
		const props = { ...args, observed: undefined };
		super("node-label", "NodeLabel", name, props, { additionalSecretOutputs: ["managers", "connection"], ...opts });
	}
}
