import type Docker from "dockerode";
import pRetry from "p-retry";

/*
 * The parts of the Engine API's swarm objects that are used here; shapes as in the API reference, version 1.41.
 * dockerode types most of them as `any`.
 */

/** Label on the swarm, services, volumes and secrets with the stack that they belong to: `project/stack`. */
export const ownerLabel = "scaleout.owner";

/** Label of a volume, with the name of its service. Followed by a dot and that name: label of the nodes that run the service's tasks. */
export const serviceLabel = "scaleout.service";

/** The Engine API counts in nanoseconds. */
export const second = 1e9;

export interface NodeSpec {
	Role?: string;
	Availability?: string;
	Labels?: Record<string, string>;
}

export interface Node {
	ID: string;
	Version: { Index: number };
	Spec?: NodeSpec;
	Description?: { Hostname?: string };
	Status?: { State?: string; Addr?: string; Message?: string };
	/** Only of managers: it appears when a node has joined the managers' Raft group, and disappears when it has left. */
	ManagerStatus?: { Leader?: boolean; Reachability?: string; Addr?: string };
}

export interface Task {
	ID: string;
	ServiceID: string;
	NodeID?: string;
	Slot?: number;
	CreatedAt: string;
	DesiredState: string;
	Spec: { ContainerSpec?: { Image?: string; StopSignal?: string }; ForceUpdate?: number };
	Status: {
		State: string;
		Timestamp: string;
		Message?: string;
		Err?: string;
		ContainerStatus?: { ContainerID?: string; ExitCode?: number };
	};
}

/** What identifies a service. */
interface NamedService {
	ID: string;
	Spec: object;
}

/** The service with this ID or name. Docker also accepts the beginning of an ID, so a short name could find another service. */
export async function findService<Found extends NamedService = NamedService>(manager: Docker, key: string): Promise<Found | undefined> {
	try {
		const found = (await orUndefined(manager.getService(key).inspect())) as Found | undefined;
		return found?.ID === key || (found?.Spec as { Name?: string } | undefined)?.Name === key ? found : undefined;
	} catch (error) {
		// Several IDs begin like this.
		if (/ambiguous/.test((error as Error).message)) return undefined;
		throw error;
	}
}

export async function findNode(manager: Docker, id: string): Promise<Node | undefined> {
	return orUndefined(manager.getNode(id).inspect());
}

/** Changes a node's spec. The API accepts only a whole spec for the version that was read, so after a lost race it is read and changed again. */
export async function updateNode(manager: Docker, id: string, change: (spec: NodeSpec) => NodeSpec): Promise<void> {
	await retryOutOfSequence(async () => {
		const node = (await manager.getNode(id).inspect()) as Node;
		const spec = change(node.Spec ?? {});
		if (JSON.stringify(spec) === JSON.stringify(node.Spec)) return;
		await manager.getNode(id).update({ _query: { version: node.Version.Index }, _body: spec });
	});
}

/** The managers that remain without this one. Pure. */
export function otherManagers(nodes: Node[], leaving: string): Node[] {
	return nodes.filter(({ ID: id, ManagerStatus: manager }) => manager && id !== leaving);
}

/**
 * Why a manager cannot be removed: the others would have no reachable majority, and nothing in the swarm could be changed any more. Undefined
 * if it can. Pure.
 */
export function quorumLost(others: Node[]): string | undefined {
	const silent = others.filter(({ ManagerStatus: manager }) => manager?.Reachability !== "reachable");
	const reachable = others.length - silent.length;
	if (reachable > others.length / 2) return undefined;
	const names = silent.map(({ ID: id, Description: found }) => found?.Hostname ?? id).join(", ");
	return `of the managers left, ${reachable} of ${others.length} would be reachable, no majority: bring ${names} back, or take it out of the configuration first`;
}

/** Runs `step` again if another change came between its read and its write. */
export function retryOutOfSequence<T>(step: () => Promise<T>): Promise<T> {
	const shouldRetry = (failure: unknown) => /update out of sequence/.test(String((failure as { error?: Error }).error ?? failure));
	return pRetry(step, { retries: 10, minTimeout: 100, factor: 1.5, shouldRetry });
}

/** States of a task that has ended. */
export const endStates = ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"];

/** Tasks that run, are starting, or are to run. */
export async function runningTasks(manager: Docker, filters: Record<string, string[]>): Promise<Task[]> {
	const tasks = (await manager.listTasks({ filters: JSON.stringify(filters) as never })) as Task[];
	return tasks.filter((task) => !endStates.includes(task.Status.State));
}

/** The promise's value, or undefined when Docker answers 404. */
export async function orUndefined<T>(request: Promise<T>): Promise<T | undefined> {
	try {
		return await request;
	} catch (error) {
		if ((error as { statusCode?: number }).statusCode === 404) return undefined;
		throw error;
	}
}

/** @throws Error with the remedy if the host's swarm is locked (autolock): with its key the host takes part again; to leave would lose its data. */
export function refuseLocked(host: string, state: string | undefined): void {
	if (state !== "locked") return;
	throw new Error(
		`${host}: its swarm is locked: run "docker swarm unlock" there, with the key that "docker swarm unlock-key" prints on another manager`,
	);
}
