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

/** Where users reach a port of a host. */
export interface Reach {
	address: pulumi.Input<string>;
	port: number;
	/** Forwarded from a port of the machine that runs `pulumi`: no DNS name leads there. */
	isForwarded?: boolean;
}

/** A host, wherever it comes from. Every source returns these, and everything after the sources knows only these. */
export interface Host {
	name: string;
	/** Its former names. */
	aliases: string[];
	roles: Role[];
	/** Private IPv4 address, at which the other hosts reach this one. */
	address: string;
	/** How users reach a TCP port of the host. */
	reach(port: number): Reach;
	connection: pulumi.Output<Connection>;
	/** Login name; known before the host exists. */
	user: string;
	/** Proves that the host can be used. Steps on the host wait for it. */
	ready: pulumi.Resource;
	/** Changes by hand that a refresh found on it, by step: see HostBootstrap. */
	drift: pulumi.Output<Drift>;
	/** It will never answer again. When it is removed, what is on it is forgotten, not undone. */
	isLost?: boolean;
	/** The machine, if this stack created it. What exists only on the machine is deleted with it, not piece by piece. */
	machine?: pulumi.CustomResource;
	/** Of a machine that may be recreated with all that it is known by: with another one every step runs again. */
	machineId?: pulumi.Input<string>;
}

export interface HostStepArgs extends Omit<StepData, "settings" | "files" | "because"> {
	/** Which step: `nfs/clients` runs host/steps/nfs/clients.sh, and clients.undo.sh undoes it; without such a script its files are removed. */
	step: StepName;
	/** Variables of its script. Make one secret to keep all of the step's data out of previews. */
	settings?: Record<string, pulumi.Input<string | number | boolean | string[]>>;
	files?: (Omit<StepFile, "content"> & { content: pulumi.Input<string> })[];
	/** Values that no script reads: a change makes the step run again. */
	because?: Record<string, pulumi.Input<string>>;
	/**
	 * A change replaces the step: the new one runs first, and the old one is undone at the end of the `up`, after the deletion of everything that depended
	 * on it.
	 */
	replaces?: string[];
}

/**
 * `dependsOn` must be a plain array: given an Output, the SDK searches its value for unknowns, and so walks from each resource in it to the parent and
 * all the parent's children. That is the whole program, once for each step.
 */
export type StepOptions = Omit<pulumi.CustomResourceOptions, "dependsOn"> & { dependsOn?: pulumi.Resource[] };

/**
 * One step on a host, by SSH: a short command, with its data on standard input.
 *
 * @param of The resource's name, or a function from the host's name to it.
 */
export function hostStep(
	of: string | ((host: string) => string),
	host: Host,
	{ step, replaces, ...given }: HostStepArgs,
	opts: StepOptions = {},
): command.remote.Command {
	const named = typeof of === "string" ? () => of : of;
	// The record's name does not contain the host's: each host has its own records, and a renamed host keeps them.
	const names = { step, version: stepVersion(step), record: fileStem(named("host")) };
	const whole = host.machineId === undefined ? given : { ...given, because: { ...given.because, machine: host.machineId } };
	return new command.remote.Command(
		named(host.name),
		{
			connection: host.connection,
			create: stepCommand(owner(), host.user, step),
			delete: undoCommand(owner(), host.user, step),
			stdin: pulumi.all([whole, host.drift]).apply(([data, drift]) => manifest(names, data as StepData, drift)),
			addPreviousOutputInEnv: false,
			logging: command.remote.Logging.Stderr,
			...(replaces && { triggers: replaces }),
		},
		{
			...opts,
			dependsOn: [host.ready, ...(opts.dependsOn ?? [])],
			deletedWith: host.machine,
			// A delete uses the option as the last `up` stored it in the state.
			retainOnDelete: host.isLost,
			// Nothing is sent to a host that is lost.
			ignoreChanges: host.isLost ? ["connection", "create", "delete", "logging", "stdin", "triggers"] : [],
			aliases: typeof of === "string" ? [] : aliasesOf(host, of),
		},
	);
}

/** `project/stack`: marks what belongs to this stack on the hosts. */
export function owner(): string {
	return `${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Stem of a file on a host that belongs to this stack: another stack may use the same host. */
export function ownFileName(name: string): string {
	return fileStem(`${pulumi.getProject()}-${pulumi.getStack()}-${name}`);
}
