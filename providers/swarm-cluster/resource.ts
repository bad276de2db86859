import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface SwarmClusterInputs {
	/** The first manager. */
	connection: Connection;
	/** The machine the swarm begins on, where this stack makes it. Change: replaces. */
	machineId?: string;
	/** Address the other nodes reach it by. Change: replaces. */
	advertiseAddress: string;
	/** `project/stack`: the swarm carries it as a label, and a swarm that does is this stack's own. */
	owner: string;
	/** ID of a swarm made by other means that may be taken over. */
	adopt?: string;
	/** Address pools of overlay networks. Change: replaces. */
	defaultAddrPool: string[];
	/** Prefix length of one overlay network. Change: replaces. */
	subnetSize: number;
	/** UDP port of the data path. Change: replaces. */
	dataPathPort: number;
}

export interface SwarmClusterOutputs {
	clusterId: string;
}

/** A swarm, initialised on its first manager. Join tokens are never stored: who needs one asks a manager. */
export class SwarmCluster extends ScaleoutResource {
	declare readonly clusterId: pulumi.Output<string>;

	constructor(
		name: string,
		args: { [K in keyof SwarmClusterInputs]: pulumi.Input<SwarmClusterInputs[K]> },
		opts?: pulumi.CustomResourceOptions,
	) {
		super("swarm-cluster", "SwarmCluster", name, { ...args, clusterId: undefined }, { additionalSecretOutputs: ["connection"], ...opts });
	}
}
