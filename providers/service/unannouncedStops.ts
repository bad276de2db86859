import { scriptText } from "../../host/kit.ts";
import { announcement, gateChain } from "../../lib/agentNames.ts";
import { printable } from "../../lib/printable.ts";
import type { Task } from "../../lib/swarm.ts";
import type { Means } from "./means.ts";
import type { ServiceInputs } from "./resource.ts";
import { tasksOf } from "./tasks.ts";

/*
 * Tasks whose stop is not announced (see spec.ts) end before the node's agent knows of it. That happens once, to the tasks of a service that was taken
 * over. The managers know early that a task is to stop: its node waits two seconds for the routing mesh before it sends SIGTERM (moby: `Shutdown` of
 * the container executor). In that time this program closes the node; the agent opens it for the next task.
 */

const checkEveryMs = 100;

/** Whether the task is about to stop, unannounced. Pure. */
export function stopsUnannounced({ DesiredState: desired, NodeID: node, Status: { State: state }, Spec: spec }: Task): boolean {
	return desired !== "running" && state === "running" && node !== undefined && spec.ContainerSpec?.StopSignal !== announcement;
}

/** Closes each node to new connections when its task is about to stop unannounced. @returns A function that ends the watch. */
export function closeBeforeStops(serviceId: string, inputs: ServiceInputs, { swarm, shell, clock, note }: Means): () => Promise<void> {
	const ended = new AbortController();
	const closed = new Set<string>();
	const watch = async () => {
		while (!ended.signal.aborted) {
			// If a manager restarts, ask again.
			const stopping = (await tasksOf(swarm, serviceId).catch(() => [])).filter((task) => stopsUnannounced(task) && !closed.has(task.ID));
			for (const task of stopping) {
				closed.add(task.ID);
				void close(task);
			}
			await clock.sleep(checkEveryMs);
		}
	};
	const close = async (task: Task) => {
		const node = inputs.nodes.find(({ nodeId }) => nodeId === task.NodeID);
		if (!node) return;
		await shell(node.connection, closeScript(inputs.publish.published), { deadlineSeconds: 10 }).catch((error: Error) =>
			note(`${node.name} could not be closed before its old task stopped, requests to it may have failed: ${printable(error.message)}`),
		);
	};
	const watching = watch();
	return async () => {
		ended.abort();
		await watching;
	};
}

/** Closes the node's published port, as its agent does. See host/steps/drain/close.sh. Pure. */
export const closeScript = (port: number): string => scriptText("drain/close", { chain: gateChain(port), port });
