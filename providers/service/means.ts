import type Docker from "dockerode";
import type { Connection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, managersOf } from "../../lib/managers.ts";
import { type ExecOptions, execAsRoot } from "../../lib/ssh.ts";
import { type Clock, systemClock } from "../../lib/wait.ts";
import type { Context } from "../define.ts";
import type { ServiceInputs } from "./resource.ts";

/** What a rollout needs to act and to observe. */
export interface Means extends Pick<Context, "progress" | "note"> {
	/** The Engine API of the swarm. */
	swarm: Docker;
	/** The Engine API of one node. */
	dockerOn(connection: Connection): Docker;
	/** Runs a script as root on a host. @returns What it prints. @throws SshError, or Error when it fails. */
	shell(connection: Connection, script: string, options?: ExecOptions): Promise<string>;
	clock: Clock;
}

export const swarmOf = (inputs: Pick<ServiceInputs, "managers" | "clusterId">) =>
	dockerOnManager({ managers: managersOf(inputs), clusterId: inputs.clusterId });

/** The real means. No connection is opened before the first use. */
export function meansOf(
	inputs: Pick<ServiceInputs, "managers" | "clusterId">,
	{ progress, note }: Pick<Context, "progress" | "note">,
): Means {
	return { swarm: swarmOf(inputs), dockerOn, shell: execAsRoot, clock: systemClock, progress, note };
}
