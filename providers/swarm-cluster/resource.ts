import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface SwarmClusterInputs {
	/** All managers of the configuration. The swarm is created on the first one; it exists as long as one of them is in it. */
	managers: Connection[];
	/** Address at which the other nodes reach the first manager. Only at init. */
	advertiseAddress: string;
	/** The only manager's machine, if this stack creates it; absent with several managers. Change: replaces, as the swarm ends with the machine. */
	machineId?: string;
	/** The only manager's address; absent with several managers. Change: replaces. */
	soleAddress?: string;
	/** `project/stack`: the swarm has it as a label, which marks the swarm as this stack's own. */
	owner: string;
	/** ID of a swarm made by other means that may be taken over. */
	adopt?: string;
	/** Address pools of overlay networks. Change: replaces. */
	defaultAddrPool: string[];
	/** Prefix length of one overlay network. Change: replaces. */
	subnetSize: number;
	/** UDP port of the data path. Change: replaces. */
	dataPathPort: number;
	/** Seconds between two reports of a node. */
	dispatcherHeartbeatSeconds: number;
}

export interface SwarmClusterOutputs {
	clusterId: string;
	/** The swarm's present values. */
	observed: Pick<SwarmClusterInputs, "dispatcherHeartbeatSeconds">;
}

/** A swarm, initialised on the first manager. Join tokens are never stored: code that needs one asks a manager. */
export class SwarmCluster extends ScaleoutResource {
	declare readonly clusterId: pulumi.Output<string>;
	declare readonly observed: pulumi.Output<SwarmClusterOutputs["observed"]>;

	constructor(
		name: string,
		args: { [K in keyof SwarmClusterInputs]: pulumi.Input<SwarmClusterInputs[K]> },
		opts?: pulumi.CustomResourceOptions,
	) {
		const outputs = { clusterId: undefined, observed: undefined };
		super("swarm-cluster", "SwarmCluster", name, { ...args, ...outputs }, { additionalSecretOutputs: ["managers"], ...opts });
	}
}
