import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface SwarmNodeInputs {
	connection: Connection;
	/** The machine the node runs on, where this stack makes it. Change: replaces, by drain, leave and join, one node at a time. */
	machineId?: string;
	/** A manager to ask for the join token and to change the node through. */
	manager: Connection;
	/** The manager's address for joining, with port: `192.168.2.137:2377`. */
	managerAddress: string;
	/** The swarm. Change: replaces. */
	clusterId: string;
	/** Address the other nodes reach this one by. Change: replaces. */
	advertiseAddress: string;
	role: "manager" | "worker";
	/** Node labels. Labels set by others are left alone. */
	labels: Record<string, string>;
}

export interface SwarmNodeOutputs {
	nodeId: string;
	/** What the swarm said at the last look: role, availability, state. After a refresh it shows what someone changed by hand. */
	observed: { role: string; availability: string; state: string; labels: Record<string, string> };
}

/** Membership of a host in the swarm, with role and labels. Deleting it drains the node, makes it leave, and removes it from the node list. */
export class SwarmNode extends ScaleoutResource {
	declare readonly nodeId: pulumi.Output<string>;

	constructor(name: string, args: { [K in keyof SwarmNodeInputs]: pulumi.Input<SwarmNodeInputs[K]> }, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, nodeId: undefined, observed: undefined };
		super("swarm-node", "SwarmNode", name, props, { additionalSecretOutputs: ["connection", "manager"], ...opts });
	}
}
