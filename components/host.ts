import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Role } from "../config/schema.ts";
import { asRoot, type Connection } from "../lib/connection.ts";
import { type Drift, fileStem, forget, recorded, withDrift } from "../lib/hostRecord.ts";
import { formerNames } from "./formerNames.ts";

/** A host, wherever it comes from. Every source makes these, and everything after the sources knows only these. */
export interface Host {
	name: string;
	/** Names it had before. */
	aliases: string[];
	roles: Role[];
	/** Private IPv4 address the hosts know each other by. */
	address: string;
	/** Address that the Internet knows it by, when this stack gave it one. */
	publicAddress?: pulumi.Output<string>;
	connection: pulumi.Output<Connection>;
	/** Login name; known before the host is. */
	user: string;
	/** Steps on the host wait for this: it proves that the host can be used. */
	ready: pulumi.Resource;
	/** What a refresh found changed on it by hand, by step: see HostCheck. */
	drift: pulumi.Output<Drift>;
	/** It answers no more, and never will: what is on it is forgotten, not undone, when it goes. */
	isLost?: boolean;
	/** The machine itself, when this stack made it: what is only on the machine goes with it and is not deleted piece by piece. */
	machine?: pulumi.CustomResource;
}

export interface RemoteStepArgs {
	/** Bash script, run as root with `-euo pipefail`. Must be idempotent: it runs again when anything here changes. */
	script: string;
	/** The script's standard input: a file's content, or a secret. A change of it is what reviewers see in the preview. */
	stdin?: pulumi.Input<string>;
	/** What the step made, as looks of lib/hostRecord.ts: when a refresh sees another state there, the step runs again. */
	looks?: string[];
	/** Undoes it. Not run when the machine itself is deleted. */
	deleteScript?: string;
	/** What the script prints may hold a secret: keep it out of logs and mark it in the state. */
	secretOutput?: boolean;
}

/**
 * What a step waits for is a plain list, never an output: the SDK searches the value of an output for what is not known yet, and behind each
 * resource in it are its parent and all of that one's children. For every step that is the whole program.
 */
export type StepOptions = Omit<pulumi.CustomResourceOptions, "dependsOn"> & { dependsOn?: pulumi.Resource[] };

/** One meaningful step on a host, by SSH. */
export function remoteStep(name: string, host: Host, args: RemoteStepArgs, opts: StepOptions = {}): command.remote.Command {
	const { script, deleteScript, looks = [] } = args;
	const kept = looks.length > 0;
	// A record under a former name would be compared for ever.
	const forgetFormer = () => formerNames(name, [host]).map((step) => forget(owner(), step));
	const create = kept ? [...forgetFormer(), recorded(owner(), name, script, looks)].join("\n") : script;
	const undo = [deleteScript, kept && forget(owner(), name)].filter(Boolean).join("\n");
	return new command.remote.Command(
		name,
		{
			connection: host.connection,
			create: host.drift.apply((drift) => asRoot(host.user, withDrift(create, name, drift))),
			delete: undo ? asRoot(host.user, undo) : undefined,
			stdin: args.stdin,
			addPreviousOutputInEnv: false,
			logging: args.secretOutput ? command.remote.Logging.None : command.remote.Logging.Stderr,
		},
		{
			...opts,
			dependsOn: [host.ready, ...(opts.dependsOn ?? [])],
			deletedWith: host.machine,
			// The engine goes by what it noted at the `up` before: a delete takes no other options.
			retainOnDelete: host.isLost,
			additionalSecretOutputs: args.secretOutput ? ["stdout", "stderr"] : [],
		},
	);
}

/** Marks what belongs to this stack on the hosts: `project/stack`. */
export function owner(): string {
	return `${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Stem of a file on a host that belongs to this stack: another stack may use the same host. */
export function ownFileName(name: string): string {
	return fileStem(`${pulumi.getProject()}-${pulumi.getStack()}-${name}`);
}
