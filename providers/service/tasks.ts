import { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { shellQuote } from "../../lib/connection.ts";
import { printable } from "../../lib/printable.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import type { Node, Task } from "../../lib/swarm.ts";
import type { ServiceInputs, ServiceNode } from "./resource.ts";

/** All tasks of a service, newest first. */
export async function tasksOf(manager: Docker, serviceId: string): Promise<Task[]> {
	const filters = JSON.stringify({ service: [serviceId] });
	const tasks = (await manager.listTasks({ filters: filters as never })) as Task[];
	return tasks.sort((a, b) => b.CreatedAt.localeCompare(a.CreatedAt));
}

type NamedNode = Pick<ServiceNode, "nodeId" | "name">;

const nodeOf = (task: Task, nodes: NamedNode[]) => nodes.find(({ nodeId }) => nodeId === task.NodeID)?.name ?? task.NodeID ?? "no node";

/** What went wrong, in the tasks' own words: one line for each different error, with the node's name. Pure. */
export function taskErrors(tasks: Task[], nodes: NamedNode[]): string[] {
	const lines = tasks
		.filter((task) => task.Status.Err || ["failed", "rejected"].includes(task.Status.State))
		.map((task) =>
			printable(`${nodeOf(task, nodes)}: ${task.Status.State}: ${task.Status.Err || task.Status.Message}`).replaceAll("\n", " "),
		);
	return [...new Set(lines)];
}

/** Tasks that are to run and do not yet, with the node's name. A task is `starting` until its health check has passed. Pure. */
export function tasksUnderWay(tasks: Task[], nodes: NamedNode[]): string[] {
	return tasks
		.filter((task) => task.DesiredState === "running" && task.Status.State !== "running")
		.map((task) => `${nodeOf(task, nodes)}: ${task.Status.State}`);
}

/** The service's nodes that Swarm gives no task, each with the reason and what mends it. `found`: all nodes of the swarm. Pure. */
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

/**
 * The last lines the service's tasks printed, for an error message. Empty when they cannot be had. Each is marked: CI takes a line that begins
 * with `::` for a command to itself.
 */
export async function lastLogLines(manager: Docker, serviceId: string, lines = 15): Promise<string> {
	try {
		const options = { stdout: true, stderr: true, tail: lines, timestamps: false };
		const raw = (await manager.getService(serviceId).logs(options as never)) as unknown as Buffer | Readable;
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
	} catch {
		return "";
	}
}

/** Whether the node's own task answers the health path with 200. Asked on the node, so that no load balancer is in between. */
export async function isHealthy(node: ServiceNode, inputs: Pick<ServiceInputs, "publish" | "health">): Promise<boolean> {
	const url = `http://${node.address}:${inputs.publish.published}${inputs.health.path}`;
	const script = `curl -s -o /dev/null -m 5 -w '%{http_code}' ${shellQuote(url)} || true`;
	return (await execAsRoot(node.connection, script, { deadlineSeconds: 30 })).trim() === "200";
}
