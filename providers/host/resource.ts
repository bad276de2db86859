import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import type { Differences, Drift } from "../../lib/drift.ts";
import type { Role } from "../../lib/roles.ts";
import { ScaleoutResource } from "../shell.ts";

export interface HostBootstrapInputs {
	/** The host's name in the configuration, for people who read the state. */
	host: string;
	/** Path of the host in the configuration, for messages: `hosts[2]`. */
	property: string;
	connection: Connection;
	/** ID of a machine that may be recreated with the same connection. Change: the host is set up again; if it is empty, every step runs again. */
	machineId?: string;
	/** `project/stack`: each stack has its own scripts and records on a host. */
	owner: string;
	/** What the host must be able to do. Change: it is checked again. */
	roles: Role[];
	/** Hash of all scripts of this program (host/steps, host/agents). Change: installs them again. */
	version: string;
	/** Debian packages that must be installed, in any version. A package already installed is left as it is. */
	packages: string[];
	/** systemd units that are enabled and started once the packages are installed. */
	units: string[];
	/** Login name that may use Docker: a user who may run `sudo -n` is as good as root already. */
	operator?: string;
	/** This stack creates the machine: if it does not answer, the machine's own resource detects and repairs that. */
	isMade?: boolean;
	/** cloud-init may still be running there: wait for it. */
	isBooting?: boolean;
	/** Seconds that a new host may take to answer (default 45). */
	deadlineSeconds?: number;
	/** What else to check when it does not answer. */
	hint?: string;
	/** It does not answer any more, and never will: nothing is sent to it, whatever differs. */
	isLost?: boolean;
	/** See the output. A refresh writes both, so that the value is known in a preview of an update, and with it the inputs of the steps that use it. */
	drift?: Drift;
}

export interface HostBootstrapOutputs {
	/** `ID` and `VERSION_ID` of os-release: `debian 12`. */
	os: string;
	/** Machine hardware name: `x86_64`. */
	architecture: string;
	/** Hash of the scripts on the host, as last seen; empty if they are missing, or were changed by hand. */
	installed: string;
	/** Changes of packages and units that a refresh found: `{ "package conntrack": "absent instead of installed" }`. Empty once they are repaired. */
	differs: Differences;
	/**
	 * Changes by hand that refreshes found on the host, by the step that made what was changed:
	 * `{ "logs-export": { seen: 2, differs: { "/etc/exports.d/logs.exports": "absent instead of root:root 644 sha256 0f3a…" } } }`. An entry stays after
	 * the repair: it is an input of the step, so that the step runs again only when something new is found.
	 */
	drift: Drift;
}

/**
 * Bootstraps a host. First it proves that the host can be used: SSH with the pinned key, root rights, system, kernel, clock, disk space. Then it installs
 * the scripts of all steps (host/kit.ts), and packages. Everything else on the host depends on it. At a refresh it also checks what the steps have made
 * there, because commands cannot be refreshed.
 */
export class HostBootstrap extends ScaleoutResource {
	declare readonly os: pulumi.Output<string>;
	declare readonly architecture: pulumi.Output<string>;
	declare readonly drift: pulumi.Output<Drift>;

	constructor(
		name: string,
		args: Omit<HostBootstrapInputs, "connection" | "machineId" | "drift"> & {
			connection: pulumi.Input<Connection>;
			machineId?: pulumi.Input<string>;
		},
		opts?: pulumi.CustomResourceOptions,
	) {
		const seen = { os: undefined, architecture: undefined, installed: undefined, differs: undefined, drift: {} };
		super("host", "HostBootstrap", name, { ...args, ...seen }, { additionalSecretOutputs: ["connection"], ...opts });
	}
}
