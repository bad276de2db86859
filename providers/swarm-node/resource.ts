import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface SwarmNodeInputs {
	connection: Connection;
	/** The node's machine, if this stack creates it. Change: replaces, by drain, leave and join, one node at a time. */
	machineId?: string;
	/** All managers of the configuration: any that answers is used. */
	managers: Connection[];
	/** The swarm. Change: replaces. */
	clusterId: string;
	/** Address at which the other nodes reach this one. Change: replaces. */
	advertiseAddress: string;
	/** Change: promotes or demotes in place; refused if the remaining managers would have no majority. */
	role: "manager" | "worker";
	/** `project/stack`: volumes with its label are removed with the node. */
	owner?: string;
}

export interface SwarmNodeOutputs {
	nodeId: string;
	/** What the swarm reported at the last check: role, availability, state. After a refresh it shows changes by hand. */
	observed: { role: string; availability: string; state: string };
}

/** Membership of a host in the swarm, with its role. A delete drains the node, makes it leave, and removes it from the node list. */
export class SwarmNode extends ScaleoutResource {
	declare readonly nodeId: pulumi.Output<string>;

	constructor(name: string, args: { [K in keyof SwarmNodeInputs]: pulumi.Input<SwarmNodeInputs[K]> }, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, nodeId: undefined, observed: undefined };
		super("swarm-node", "SwarmNode", name, props, { additionalSecretOutputs: ["connection", "managers"], ...opts });
	}
}
