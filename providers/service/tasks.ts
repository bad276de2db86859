import { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { printable } from "../../lib/printable.ts";
import { endStates, type Node, type Task } from "../../lib/swarm.ts";
import { within } from "../../lib/wait.ts";
import type { ServiceInputs, ServiceNode } from "./resource.ts";

/** All tasks of a service, newest first. */
export async function tasksOf(manager: Docker, serviceId: string): Promise<Task[]> {
	const filters = JSON.stringify({ service: [serviceId] });
	const tasks = (await manager.listTasks({ filters: filters as never })) as Task[];
	return tasks.sort((a, b) => b.CreatedAt.localeCompare(a.CreatedAt));
}

type NamedNode = Pick<ServiceNode, "nodeId" | "name">;

const nodeOf = (task: Task, nodes: NamedNode[]) => nodes.find(({ nodeId }) => nodeId === task.NodeID)?.name ?? task.NodeID ?? "no node";

/** Whether the task failed. A task rejected because its node had lost the service's label for a while says nothing about its version. */
export const hasFailed = ({ Status: { State: state, Err: error } }: Task) =>
	state === "failed" || (state === "rejected" && error !== "assigned node no longer meets constraints");

/** Whether the task has ended, or will never run. */
export const hasEnded = ({ Status: { State: state } }: Task) => endStates.includes(state);

/** Whether the task runs and is meant to. */
export const isRunning = ({ DesiredState: desired, Status: { State: state } }: Task) => state === "running" && desired === "running";

/** Whether the task still runs but has been asked to stop: it may drain, or wait for its turn, for minutes. */
export const isStopping = ({ DesiredState: desired, Status: { State: state } }: Task) => state === "running" && desired !== "running";

/** Whether the task only waits for the port. Swarm reports this error on every node whose old task still serves, or is ending. */
const waitsForPort = ({ NodeID: node, Status: { State: state, Err: error = "" } }: Task, all: Task[]) =>
	state === "pending" &&
	/host-mode port already in use/.test(error) &&
	all.some((other) => other.NodeID === node && other.Status.State === "running");

/** What went wrong, in the tasks' own words: one line per distinct error, with the node's name. `all`: all tasks of the service. Pure. */
export function taskErrors(tasks: Task[], nodes: NamedNode[], all = tasks): string[] {
	const lines = tasks
		.filter((task) => (task.Status.Err && !waitsForPort(task, all)) || hasFailed(task))
		.map((task) =>
			printable(`${nodeOf(task, nodes)}: ${task.Status.State}: ${task.Status.Err || task.Status.Message}`).replaceAll("\n", " "),
		);
	return [...new Set(lines)];
}

/** Tasks that should run but do not yet, with the node's name. A task is `starting` until its health check has passed. Pure. */
export function tasksUnderWay(tasks: Task[], nodes: NamedNode[]): string[] {
	return tasks
		.filter((task) => task.DesiredState === "running" && task.Status.State !== "running")
		.map((task) => `${nodeOf(task, nodes)}: ${task.Status.State}`);
}

/** The service's nodes to which Swarm gives no task, each with the reason and the remedy. `found`: all nodes of the swarm. Pure. */
export function idleNodes(found: Node[], { nodes, placement: [label = "", value] }: Pick<ServiceInputs, "nodes" | "placement">): string[] {
	const mended = "pulumi up --refresh mends it";
	const reasonOf = (node: Node | undefined) => {
		if (!node) return `it is not in the swarm: ${mended}`;
		const { Spec: { Availability: availability = "active", Labels: labels = {} } = {}, Status: { State: state = "unknown" } = {} } = node;
		if (state !== "ready") return `Swarm sees it ${state}: see to the host`;
		if (availability !== "active") return `its availability is ${availability}: ${mended}`;
		if (labels[label] !== value) return `it lacks the label ${label}=${value}: ${mended}`;
		return undefined;
	};
	return nodes.flatMap(({ name, nodeId }) => {
		const reason = reasonOf(found.find(({ ID: id }) => id === nodeId));
		return reason ? [printable(`${name} gets no task, ${reason}`)] : [];
	});
}

/** How many failed tasks are quoted, and how many lines of each. */
const quoted = { tasks: 3, lines: 15 };
/** Seconds that fetching a task's log may take: it comes from the task's node, which may be the problem. */
const logSeconds = 20;

/**
 * The last log lines of the failed tasks among these, for an error message, newest task last. Empty if they are not available. Each line gets a
 * prefix, because CI treats a line that begins with `::` as a command.
 */
export async function failedLogs(manager: Docker, tasks: Task[], nodes: NamedNode[]): Promise<string[]> {
	const failed = tasks
		.filter(hasFailed)
		.toSorted((a, b) => a.CreatedAt.localeCompare(b.CreatedAt))
		.slice(-quoted.tasks);
	const logs: string[] = [];
	for (const task of failed) {
		const lines = await within("log", logSeconds, logOf(manager, task)).catch(() => "");
		if (lines) logs.push(`last log lines of the ${task.Status.State} task on ${nodeOf(task, nodes)}:\n${lines}`);
	}
	return logs;
}

async function logOf(manager: Docker, { ID: id }: Task): Promise<string> {
	const options = { stdout: true, stderr: true, tail: quoted.lines, timestamps: false };
	// The client has this method; its types lack it.
	const task = manager.getTask(id) as unknown as { logs(options: object): Promise<Buffer | Readable> };
	const raw = await task.logs(options);
	const stream = Buffer.isBuffer(raw) ? Readable.from([raw]) : raw;
	const chunks: Buffer[] = [];
	const sink = new Writable({
		write(chunk, _encoding, done) {
			chunks.push(chunk);
			done();
		},
	});
	manager.modem.demuxStream(stream, sink, sink);
	await text(stream).catch(() => "");
	return printable(Buffer.concat(chunks).toString("utf8").trimEnd()).replace(/^(?=.)/gm, "  | ");
}
