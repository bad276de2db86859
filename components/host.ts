import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { stepCommand, stepVersion, undoCommand } from "../host/kit.ts";
import { manifest, type StepData, type StepFile } from "../host/manifest.ts";
import type { StepName } from "../host/steps.ts";
import type { Connection } from "../lib/connection.ts";
import type { Drift } from "../lib/drift.ts";
import { fileStem } from "../lib/names.ts";
import type { Role } from "../lib/roles.ts";
import { aliasesOf } from "./hostNames.ts";

/** Where people reach a port of a host. */
export interface Reach {
	address: pulumi.Input<string>;
	port: number;
	/** By a port of the machine that runs `pulumi`: no DNS name leads there. */
	isForwarded?: boolean;
}

/** A host, wherever it comes from. Every source makes these, and everything after the sources knows only these. */
export interface Host {
	name: string;
	/** Names it had before. */
	aliases: string[];
	roles: Role[];
	/** Private IPv4 address the hosts know each other by. */
	address: string;
	/** How people reach a TCP port of it. */
	reach(port: number): Reach;
	connection: pulumi.Output<Connection>;
	/** Login name; known before the host is. */
	user: string;
	/** Steps on the host wait for this: it proves that the host can be used. */
	ready: pulumi.Resource;
	/** What a refresh found changed on it by hand, by step: see HostBootstrap. */
	drift: pulumi.Output<Drift>;
	/** It answers no more, and never will: what is on it is forgotten, not undone, when it goes. */
	isLost?: boolean;
	/** The machine itself, when this stack made it: what is only on the machine goes with it and is not deleted piece by piece. */
	machine?: pulumi.CustomResource;
}

export interface HostStepArgs extends Omit<StepData, "settings" | "files" | "because"> {
	/** Which step: `nfs/clients` is carried out by host/steps/nfs/clients.sh and undone by clients.undo.sh, or else by removing its files. */
	step: StepName;
	/** Variables of its script. Secret where the whole of it is to be kept out of previews. */
	settings?: Record<string, pulumi.Input<string | number | boolean | string[]>>;
	files?: (Omit<StepFile, "content"> & { content: pulumi.Input<string> })[];
	/** What no script reads: the step is carried out again when it changes. */
	because?: Record<string, pulumi.Input<string>>;
	/**
	 * When it changes, the step is another one: carried out first, while the one of before is taken back at the end of the `up`, after all that depended
	 * on that one and goes.
	 */
	replaces?: string[];
}

/**
 * `dependsOn` must be a plain array: given an Output, the SDK searches its value for unknowns, and walks from each resource in it to the parent and
 * all of that one's children. That is the whole program, once for each step.
 */
export type StepOptions = Omit<pulumi.CustomResourceOptions, "dependsOn"> & { dependsOn?: pulumi.Resource[] };

/**
 * One meaningful step on a host, by SSH: a short command, and on its standard input the data that it works with.
 *
 * @param of The resource's name, by its host's where it carries that.
 */
export function hostStep(
	of: string | ((host: string) => string),
	host: Host,
	{ step, replaces, ...given }: HostStepArgs,
	opts: StepOptions = {},
): command.remote.Command {
	const named = typeof of === "string" ? () => of : of;
	// Each host has records of its own: under another name of the host they are the same.
	const names = { step, version: stepVersion(step), record: fileStem(named("host")) };
	return new command.remote.Command(
		named(host.name),
		{
			connection: host.connection,
			create: stepCommand(owner(), host.user, step),
			delete: undoCommand(owner(), host.user, step),
			stdin: pulumi.all([given, host.drift]).apply(([data, drift]) => manifest(names, data as StepData, drift)),
			addPreviousOutputInEnv: false,
			logging: command.remote.Logging.Stderr,
			...(replaces && { triggers: replaces }),
		},
		{
			...opts,
			dependsOn: [host.ready, ...(opts.dependsOn ?? [])],
			deletedWith: host.machine,
			// The engine goes by what it noted at the `up` before: a delete takes no other options.
			retainOnDelete: host.isLost,
			// Nothing is sent to a host that is lost.
			ignoreChanges: host.isLost ? ["connection", "create", "delete", "logging", "stdin"] : [],
			aliases: typeof of === "string" ? [] : aliasesOf(host, of),
			// What it is replaced for stands in its data as well.
			...(replaces && { hideDiffs: ["triggers"] }),
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
