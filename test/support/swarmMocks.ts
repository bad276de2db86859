import type { Connection } from "../../lib/connection.ts";
import type { WaitOptions } from "../../lib/wait.ts";
import type { StandInSwarm } from "./standInSwarm.ts";

/*
 * What takes the place of modules where a StandInSwarm takes the place of hosts, for the factories of `vi.mock`. It imports nothing but types: a
 * factory may run while the module that it stands for is being loaded.
 */

let swarm: StandInSwarm;

/** The swarm that is reached from now on. */
export function reach(standIn: StandInSwarm): StandInSwarm {
	swarm = standIn;
	return standIn;
}

export const docker = () => ({ dockerOn: (connection: Connection) => swarm.dockerOn(connection) });

export const ssh = (original: object) => ({
	...original,
	connect: (connection: Connection) => swarm.connect(connection),
	execAsRoot: (connection: Connection, script: string) => swarm.execAsRoot(connection, script),
});

/** Waits of minutes end after `deadlineSeconds`. */
export const wait = ({ until, ...rest }: typeof import("../../lib/wait.ts"), deadlineSeconds: number) => ({
	...rest,
	until: (options: WaitOptions, probe: never) => until({ ...options, deadlineSeconds, maxPauseMs: 200 }, probe),
});
