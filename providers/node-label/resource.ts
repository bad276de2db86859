import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface NodeLabelInputs {
	/** All managers of the configuration: any that serves is asked. */
	managers: Connection[];
	/** The swarm. Change: replaces. */
	clusterId: string;
	/** The node's host: it says whether a container of the service is left. */
	connection: Connection;
	/** ID of the SwarmNode. Change: replaces, one node at a time: the node loses its label, and with it its task, before it goes. */
	node: string;
	/** ID of the node in the swarm: another one than `node` once its host has left and joined again. */
	nodeId: string;
	/** Private address of the node, by which it is named while another one waits for it. */
	address: string;
	/** Name of the label. Change: replaces. */
	label: string;
	/** Its value. Change: in place; what is bound to the value of before stops. */
	value: string;
	/** Name of the service that is bound to the label. */
	service: string;
	/** Seconds within which a task of the service has stopped that is asked to: its turn, its drain and its grace. */
	stopSeconds: number;
	/** The export that tasks there will mount: the node proves that it can write to it before it gets the label, and where this changes. */
	mount?: ExportMount;
}

export interface ExportMount {
	/** Address of the NFS server. */
	server: string;
	/** Directory that is exported. */
	path: string;
	/** Mount options, as the local volume driver takes them. */
	options: string;
}

export interface NodeLabelOutputs {
	/** The label as the swarm had it at the last check; empty when it was missing. */
	observed: Record<string, string>;
}

/** A label of a node that binds a service to it. Deleting it takes the label away and waits until no container of the service is left on the node. */
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
