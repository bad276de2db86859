import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface HostScriptsInputs {
	connection: Connection;
	/** Of a machine that may be recreated with all that it is known by. Change: puts the scripts there again. */
	machineId?: string;
	/** `project/stack`: each stack has scripts of its own on a host. */
	owner: string;
	/** Hash of all scripts of this program (host/steps, agent). Change: puts them there again. */
	version: string;
}

export interface HostScriptsOutputs {
	/** Hash of the scripts on the host, as last seen; empty where they are missing, or were changed by hand. */
	installed: string;
}

/** The scripts of all steps on a host, see host/kit.ts. Every step on the host depends on it. */
export class HostScripts extends ScaleoutResource {
	constructor(
		name: string,
		args: Omit<HostScriptsInputs, "connection" | "machineId"> & { connection: pulumi.Input<Connection>; machineId?: pulumi.Input<string> },
		opts?: pulumi.CustomResourceOptions,
	) {
		super("host-scripts", "HostScripts", name, { ...args, installed: undefined }, { additionalSecretOutputs: ["connection"], ...opts });
	}
}
