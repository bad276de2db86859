import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import type { Differences, Drift } from "../../lib/drift.ts";
import type { Role } from "../../lib/roles.ts";
import { ScaleoutResource } from "../shell.ts";

export interface HostBootstrapInputs {
	/** The host's name in the configuration, for those who read the state. */
	host: string;
	/** Path of the host in the configuration, for messages: `hosts[2]`. */
	property: string;
	connection: Connection;
	/** Of a machine that may be recreated with all that it is known by. Change: it is set up again, and where nothing is, every step runs again. */
	machineId?: string;
	/** `project/stack`: each stack has scripts and records of its own on a host. */
	owner: string;
	/** What it must be able to do. Change: it is checked again. */
	roles: Role[];
	/** Hash of all scripts of this program (host/steps, host/agents). Change: puts them there again. */
	version: string;
	/** Debian packages that have to be there, in any version. What is installed already is left as it is. */
	packages: string[];
	/** systemd units that are enabled and run once the packages are there. */
	units: string[];
	/** Login name that may talk to Docker: who may run `sudo -n` is root already. */
	operator?: string;
	/** This stack makes the machine: that it does not answer is then seen, and mended, at the machine itself. */
	isMade?: boolean;
	/** cloud-init may still be at work there: it is waited for. */
	isBooting?: boolean;
	/** Seconds a host that was just made may take to answer (default 45). */
	deadlineSeconds?: number;
	/** What else to check when it does not answer. */
	hint?: string;
	/** See the output. A refresh writes both: so it is known in a preview of an update, and so are the steps that take it in. */
	drift?: Drift;
}

export interface HostBootstrapOutputs {
	/** `ID` and `VERSION_ID` of os-release: `debian 12`. */
	os: string;
	/** Machine hardware name: `x86_64`. */
	architecture: string;
	/** Hash of the scripts on the host, as last seen; empty where they are missing, or were changed by hand. */
	installed: string;
	/** What a refresh found changed of packages and units: `{ "package conntrack": "absent instead of installed" }`. Empty once they are there again. */
	differs: Differences;
	/**
	 * What refreshes found changed on the host by hand, by the step that had made it:
	 * `{ "logs-export": { seen: 2, differs: { "/etc/exports.d/logs.exports": "absent instead of root:root 644 sha256 0f3a…" } } }`. It stays when all
	 * is well again: the step takes it in as an input, so that it runs again whenever something new is seen.
	 */
	drift: Drift;
}

/**
 * Bootstraps a host. First the proof that it can be used: SSH with the pinned key, root rights, system, kernel, clock, room. Then the scripts of all steps
 * (host/kit.ts), and packages. Everything else on the host depends on it. At a refresh it also looks at what the steps have made there, because commands
 * cannot be refreshed.
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
