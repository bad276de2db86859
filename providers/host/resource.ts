import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { ScaleoutResource } from "../shell.ts";

export interface HostCheckInputs {
	/** Path of the host in the configuration, for messages: `hosts[2]`. */
	property: string;
	connection: Connection;
	/** Seconds a host that was just made may take to answer (default 45). */
	deadlineSeconds?: number;
	/** What to look at besides when it does not answer. */
	hint?: string;
}

export interface HostCheckOutputs {
	/** `ID` and `VERSION_ID` of os-release: `debian 12`. */
	os: string;
	/** Machine hardware name: `x86_64`. */
	architecture: string;
}

/** Proof that a host can be used: SSH with the pinned key, root rights, a supported system. Everything else on the host depends on it. */
export class HostCheck extends ScaleoutResource {
	declare readonly os: pulumi.Output<string>;
	declare readonly architecture: pulumi.Output<string>;

	constructor(
		name: string,
		args: Omit<HostCheckInputs, "connection"> & { connection: pulumi.Input<Connection> },
		opts?: pulumi.CustomResourceOptions,
	) {
		super(
			"host",
			"HostCheck",
			name,
			{ ...args, os: undefined, architecture: undefined },
			{ additionalSecretOutputs: ["connection"], ...opts },
		);
	}
}
