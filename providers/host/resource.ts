import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import type { Drift } from "../../lib/drift.ts";
import type { Role } from "../../lib/roles.ts";
import { ScaleoutResource } from "../shell.ts";

export interface HostCheckInputs {
	/** The host's name in the configuration, for those who read the state. */
	host: string;
	/** Path of the host in the configuration, for messages: `hosts[2]`. */
	property: string;
	connection: Connection;
	/** Of a machine that may be recreated with all that it is known by. Change: it is checked again, and where nothing is, every step runs again. */
	machineId?: string;
	/** `project/stack`: whose steps a refresh checks. */
	owner: string;
	/** What it must be able to do. Change: it is checked again. */
	roles: Role[];
	/** This stack makes the machine: that it does not answer is then seen, and mended, at the machine itself. */
	isMade?: boolean;
	/** Seconds a host that was just made may take to answer (default 45). */
	deadlineSeconds?: number;
	/** What else to check when it does not answer. */
	hint?: string;
	/** Always empty: an output that is an input too is known in a preview, and so are the steps that take it in. */
	drift?: Record<string, never>;
}

export interface HostCheckOutputs {
	/** `ID` and `VERSION_ID` of os-release: `debian 12`. */
	os: string;
	/** Machine hardware name: `x86_64`. */
	architecture: string;
	/**
	 * What refreshes found changed on the host by hand, by the step that had made it:
	 * `{ "logs-export": { seen: 2, differs: { "/etc/exports.d/logs.exports": "absent instead of root:root 644 sha256 0f3a…" } } }`. It stays when all
	 * is well again: the step takes it in as an input, so that it runs again whenever something new is seen.
	 */
	drift: Drift;
}

/**
 * Proof that a host can be used: SSH with the pinned key, root rights, system, kernel, clock, room. Everything else on the host depends on it. At a
 * refresh it looks at what the steps have made there, because commands cannot be refreshed.
 */
export class HostCheck extends ScaleoutResource {
	declare readonly os: pulumi.Output<string>;
	declare readonly architecture: pulumi.Output<string>;
	declare readonly drift: pulumi.Output<Drift>;

	constructor(
		name: string,
		args: Omit<HostCheckInputs, "connection" | "machineId" | "drift"> & {
			connection: pulumi.Input<Connection>;
			machineId?: pulumi.Input<string>;
		},
		opts?: pulumi.CustomResourceOptions,
	) {
		super(
			"host",
			"HostCheck",
			name,
			{ ...args, os: undefined, architecture: undefined, drift: {} },
			{ additionalSecretOutputs: ["connection"], ...opts },
		);
	}
}
