import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface SwarmSecretInputs {
	/** All managers of the configuration: any that answers is used. */
	managers: Connection[];
	/** The swarm that keeps it. Change: replaces. */
	clusterId: string;
	/** `project/stack`. */
	owner: string;
	/** Name in the swarm, different for each value, as a secret cannot change. Change: replaces; the old secret is removed once nothing uses it. */
	name: string;
	/** The value. Secret. */
	value: string;
}

export interface SwarmSecretOutputs {
	/** Marks the secret as this resource's, see claims.ts. */
	claim: string;
}

/** A secret that Swarm stores and gives to a service's tasks. Its ID is Swarm's. */
export class SwarmSecret extends ScaleoutResource {
	declare readonly name: pulumi.Output<string>;

	constructor(
		name: string,
		args: { [K in keyof SwarmSecretInputs]: pulumi.Input<SwarmSecretInputs[K]> },
		opts?: pulumi.CustomResourceOptions,
	) {
		super("swarm-secret", "SwarmSecret", name, { ...args, claim: undefined }, { additionalSecretOutputs: ["managers", "value"], ...opts });
	}
}
