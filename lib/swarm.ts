import type Docker from "dockerode";
import pRetry from "p-retry";

/*
 * The parts of the Engine API's swarm objects that are used here; shapes as in the API reference, version 1.41.
 * dockerode types most of them as `any`.
 */

/** Label on the swarm, on services, volumes and secrets that names the stack they belong to: `project/stack`. */
export const ownerLabel = "scaleout.owner";

/** Label of a volume: name of the service that it belongs to. With a dot and that name behind, label of the nodes that run its tasks. */
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
	/** Of managers only: it comes when a node has joined the managers' Raft group, and goes when it has left it. */
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

/** What tells a service from others. */
interface NamedService {
	ID: string;
	Spec: object;
}

/** The service of an ID or a name. Docker takes what an ID begins with for it as well, so that a short name could be another service. */
export async function findService<Found extends NamedService = NamedService>(manager: Docker, key: string): Promise<Found | undefined> {
	try {
		const found = (await orUndefined(manager.getService(key).inspect())) as Found | undefined;
		return found?.ID === key || (found?.Spec as { Name?: string } | undefined)?.Name === key ? found : undefined;
	} catch (error) {
		// Several IDs begin so.
		if (/ambiguous/.test((error as Error).message)) return undefined;
		throw error;
	}
}

export async function findNode(manager: Docker, id: string): Promise<Node | undefined> {
	return orUndefined(manager.getNode(id).inspect());
}

/** Changes a node's spec. The API takes whole specs of the version that was read, so a lost race is tried again from a new reading. */
export async function updateNode(manager: Docker, id: string, change: (spec: NodeSpec) => NodeSpec): Promise<void> {
	await retryOutOfSequence(async () => {
		const node = (await manager.getNode(id).inspect()) as Node;
		const spec = change(node.Spec ?? {});
		if (JSON.stringify(spec) === JSON.stringify(node.Spec)) return;
		await manager.getNode(id).update({ _query: { version: node.Version.Index }, _body: spec });
	});
}

/** All managers but one: those that would be left when it goes. Pure. */
export function otherManagers(nodes: Node[], leaving: string): Node[] {
	return nodes.filter(({ ID: id, ManagerStatus: manager }) => manager && id !== leaving);
}

/**
 * Why a manager cannot go: the others would have no majority that is reachable, and nothing in the swarm could be changed any more. Undefined
 * when it can. Pure.
 */
export function quorumLost(others: Node[]): string | undefined {
	const silent = others.filter(({ ManagerStatus: manager }) => manager?.Reachability !== "reachable");
	const reachable = others.length - silent.length;
	if (reachable > others.length / 2) return undefined;
	const names = silent.map(({ ID: id, Description: found }) => found?.Hostname ?? id).join(", ");
	return `of the managers left, ${reachable} of ${others.length} would be reachable, no majority: bring ${names} back, or take it out of the configuration first`;
}

/** Runs `step` again when another change came between its reading and its writing. */
export function retryOutOfSequence<T>(step: () => Promise<T>): Promise<T> {
	const shouldRetry = (failure: unknown) => /update out of sequence/.test(String((failure as { error?: Error }).error ?? failure));
	return pRetry(step, { retries: 10, minTimeout: 100, factor: 1.5, shouldRetry });
}

/** States of a task of which nothing runs any more. */
export const endStates = ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"];

/** Tasks that run, start, or shall run. */
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
