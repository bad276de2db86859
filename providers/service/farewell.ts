import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { printable } from "../../lib/printable.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import type { Task } from "../../lib/swarm.ts";
import type { Context } from "../define.ts";
import type { ServiceInputs } from "./resource.ts";
import { announcement } from "./spec.ts";
import { tasksOf } from "./tasks.ts";

/*
 * Tasks whose stop is not announced (see spec.ts) die before the node's agent knows of it: those of a service that was taken over, once. Swarm tells
 * its managers that a task shall stop, and its node waits two seconds for the routing mesh before it sends SIGTERM (moby: `Shutdown` of the
 * container executor). In that time the node is closed from here; the agent opens it for the next task.
 */

const lookEveryMs = 100;

/** Whether the task is about to stop, unannounced. Pure. */
export function stopsUnannounced({ DesiredState: desired, NodeID: node, Status: { State: state }, Spec: spec }: Task): boolean {
	return desired !== "running" && state === "running" && node !== undefined && spec.ContainerSpec?.StopSignal !== announcement;
}

/** Closes each node to new connections as its task, unannounced, is about to stop. Returns what ends the watch. */
export function closeBeforeStops(
	manager: Docker,
	serviceId: string,
	inputs: ServiceInputs,
	{ note }: Pick<Context, "note">,
): () => Promise<void> {
	const ended = new AbortController();
	const closed = new Set<string>();
	const watch = async () => {
		while (!ended.signal.aborted) {
			// A manager that restarts is asked again.
			const stopping = (await tasksOf(manager, serviceId).catch(() => [])).filter((task) => stopsUnannounced(task) && !closed.has(task.ID));
			for (const task of stopping) {
				closed.add(task.ID);
				void close(task);
			}
			await sleep(lookEveryMs);
		}
	};
	const close = async (task: Task) => {
		const node = inputs.nodes.find(({ nodeId }) => nodeId === task.NodeID);
		if (!node) return;
		await execAsRoot(node.connection, closeScript(inputs.publish.published), { deadlineSeconds: 10 }).catch((error: Error) =>
			note(`${node.name} could not be closed before its old task stopped, requests to it may have failed: ${printable(error.message)}`),
		);
	};
	const watching = watch();
	return async () => {
		ended.abort();
		await watching;
	};
}

/** The rule of the node's agent, in the agent's chain: see agent/drain-agent.py, which empties the chain for the next task. Pure. */
export function closeScript(port: number): string {
	return `iptables -w 10 -A SCALEOUT-DRAIN-${port} -p tcp -m conntrack --ctstate NEW --ctorigdstport ${port} -j REJECT --reject-with tcp-reset`;
}
