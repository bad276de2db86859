import Docker from "dockerode";
import { type Connection, describeConnection } from "./connection.ts";
import { type DockerCallback, type DockerRequest, dockerOn, type Modem } from "./docker.ts";
import { connect, SshError } from "./ssh.ts";
import { DeadlineError, type Seen, until, within } from "./wait.ts";

/*
 * Any manager can answer for the swarm. They are tried in turn, so that no more hosts are contacted than needed, and the one that answered is tried first
 * from then on.
 */

/** All managers of the configuration answer, and none manages the swarm: it is gone. */
export class SwarmGoneError extends Error {}

/** For `catch`: if the swarm is gone, so is everything in it. */
export function goneWithItsSwarm(error: unknown): undefined {
	if (!(error instanceof SwarmGoneError)) throw error;
	return undefined;
}

export interface AskedManagers {
	/** All possible managers, in order of preference. */
	managers: Connection[];
	/** ID of the swarm; undefined: any. */
	clusterId?: string;
	/** The host that is about to stop being a manager: used only if no other one is available. */
	leaving?: Connection;
}

/** The managers to ask for a resource. An old state, from before several were supported, names one. `before`: the previous state, whose managers follow. */
export function managersOf(state: WithManagers, before?: WithManagers): Connection[] {
	return [state, before ?? {}].flatMap(({ managers, manager }) => managers ?? (manager ? [manager] : []));
}

interface WithManagers {
	managers?: Connection[];
	manager?: Connection;
}

/** Seconds that one of several managers may take to accept a connection: after that the next one is tried. */
const dialSeconds = 10;
/** Seconds after which no answer is expected any more. */
const silenceSeconds = 30;
/** Seconds that the managers may take to elect a leader, or to start. */
const electionSeconds = 90;
/** Seconds that Docker may take to describe itself: without a leader, a manager waits 20 s for one. */
const infoSeconds = 45;
/** Seconds for which an answer is valid, so that the checks of a hundred nodes do not each ask whether the manager still is one. */
const answerSeconds = 5;

/** The manager that answered last, by swarm. */
const answered = new Map<string, { key: string; at: number }>();

/**
 * The first manager that answers, manages this very swarm, and has a leader.
 *
 * @throws SwarmGoneError when all answer and none is a manager of it; SshError when that is uncertain. Both name every manager with the reason.
 */
export async function findManager({ managers, clusterId = "", leaving }: AskedManagers): Promise<Connection> {
	const last = answered.get(clusterId);
	const leavingKey = leaving && keyOf(leaving);
	const rank = (connection: Connection) => (keyOf(connection) === leavingKey ? 2 : keyOf(connection) === last?.key ? 0 : 1);
	const candidates = distinct(managers).toSorted((a, b) => rank(a) - rank(b));
	const [first] = candidates;
	if (first && last && keyOf(first) === last.key && Date.now() - last.at < answerSeconds * 1000) return first;
	const started = Date.now();
	let refusals: Refusal[] = [];
	const is = (kind: Refusal["kind"]) => refusals.some((refusal) => refusal.kind === kind);
	const look = async (): Promise<Seen<Connection>> => {
		refusals = [];
		for (const connection of candidates) {
			const refusal = await refusalOf(connection, clusterId, candidates.length > 1 ? dialSeconds : silenceSeconds);
			if (!refusal) return { done: connection };
			refusals.push(refusal);
		}
		const mayAnswer = is("unreachable") && Date.now() - started < silenceSeconds * 1000;
		if (is("leaderless") || mayAnswer) return { waiting: describe(refusals) };
		throw failure(refusals, clusterId);
	};
	const options = { what: "a manager of the swarm", deadlineSeconds: electionSeconds, progress: () => {} };
	const found = await until(options, look).catch((error) => {
		throw error instanceof DeadlineError ? failure(refusals, clusterId) : error;
	});
	answered.set(clusterId, { key: keyOf(found), at: Date.now() });
	return found;
}

/**
 * The Engine API of the swarm, on whichever manager answers. If that one stops answering, a request that it has not carried out goes to the next.
 * No connection is opened before the first request.
 */
export function dockerOnManager(asked: AskedManagers): Docker {
	const docker = new Docker({ protocol: "http", host: "manager", port: 2375 });
	let chosen: Promise<Docker> | undefined;
	const choose = () => {
		chosen ??= findManager(asked).then(dockerOn);
		return chosen;
	};
	const attempt = async (number: number, options: DockerRequest, callback: DockerCallback): Promise<void> => {
		const manager = await choose().catch((error) => {
			chosen = undefined;
			throw error;
		});
		(manager.modem as unknown as Modem).dial(options, (error, data) => {
			if (!error || number > asked.managers.length || !canGoElsewhere(error, options)) return callback(error, data);
			chosen = undefined;
			answered.delete(asked.clusterId ?? "");
			attempt(number + 1, options, callback).catch((further) => callback(further));
		});
	};
	(docker.modem as unknown as Modem).dial = (options, callback) => void attempt(1, options, callback).catch((error) => callback(error));
	return docker;
}

/** Whether the request was not carried out, or only reads. */
function canGoElsewhere(error: Error, { method }: DockerRequest): boolean {
	if (error instanceof SshError) return true;
	const hasAnswer = (error as { statusCode?: number }).statusCode !== undefined;
	return hasAnswer ? /not a swarm manager|does not have a leader/.test(error.message) : method === "GET";
}

interface Refusal {
	kind: "unreachable" | "leaderless" | "stranger" | "refused";
	/** `root@worker1:22 is in no swarm`. */
	why: string;
	error?: SshError;
}

/** Why the host does not serve as a manager; undefined if it does. */
async function refusalOf(connection: Connection, clusterId: string, deadlineSeconds: number): Promise<Refusal | undefined> {
	const host = describeConnection(connection);
	try {
		// A pooled attempt to connect may already be under way, with a longer deadline.
		await within(`SSH to ${host}`, deadlineSeconds, connect(connection, deadlineSeconds));
		const { Swarm: swarm } = await within(`Docker on ${host}`, infoSeconds, dockerOn(connection).info());
		const state = swarm?.LocalNodeState ?? "inactive";
		if (state === "inactive") return { kind: "stranger", why: `${host} is in no swarm` };
		if (state === "active" && !swarm?.ControlAvailable) return { kind: "stranger", why: `${host} is a worker` };
		if (!swarm?.Cluster?.ID) return { kind: "leaderless", why: `${host}: ${swarm?.Error || `its swarm is ${state}, without a leader`}` };
		if (clusterId && swarm.Cluster.ID !== clusterId) return { kind: "stranger", why: `${host} manages another swarm, ${swarm.Cluster.ID}` };
		return undefined;
	} catch (error) {
		if (error instanceof SshError && error.fault !== "unreachable") return { kind: "refused", why: error.message, error };
		return { kind: "unreachable", why: (error as Error).message };
	}
}

function failure(refusals: Refusal[], clusterId: string): Error {
	const swarm = clusterId ? `swarm ${clusterId}` : "the swarm";
	if (refusals.every(({ kind }) => kind === "stranger"))
		return new SwarmGoneError(`none of the managers is in ${swarm}: ${describe(refusals)}`);
	const refused = refusals.find(({ error }) => error)?.error;
	return new SshError(refused?.fault ?? "unreachable", `no manager of ${swarm} can be asked: ${describe(refusals)}`);
}

const describe = (refusals: Refusal[]) => refusals.map(({ why }) => why).join("; ");

/** With the host key, because a host recreated at the same address is another one. */
const keyOf = (connection: Connection) => `${describeConnection(connection)} ${connection.hostKey}`;

const distinct = (connections: Connection[]) => [...new Map(connections.map((connection) => [keyOf(connection), connection])).values()];
