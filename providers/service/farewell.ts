import { announcement, gateChain } from "../../lib/agentNames.ts";
import { printable } from "../../lib/printable.ts";
import type { Task } from "../../lib/swarm.ts";
import type { Means } from "./means.ts";
import type { ServiceInputs } from "./resource.ts";
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
export function closeBeforeStops(serviceId: string, inputs: ServiceInputs, { swarm, shell, clock, note }: Means): () => Promise<void> {
	const ended = new AbortController();
	const closed = new Set<string>();
	const watch = async () => {
		while (!ended.signal.aborted) {
			// A manager that restarts is asked again.
			const stopping = (await tasksOf(swarm, serviceId).catch(() => [])).filter((task) => stopsUnannounced(task) && !closed.has(task.ID));
			for (const task of stopping) {
				closed.add(task.ID);
				void close(task);
			}
			await clock.sleep(lookEveryMs);
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

/**
 * What the node's agent does to close a port, once more to no effect: a chain of its own that new connections to the node's published port meet
 * first, whether they come from elsewhere or from the node itself. They have been led on by Docker (DNAT); what containers send to the same port of
 * others has not. The agent takes the chain away when it admits the next task. Pure.
 */
export function closeScript(port: number): string {
	const chain = gateChain(port);
	// Two matches, since the states of one match are alternatives.
	const rule = `${chain} -p tcp -m conntrack --ctstate NEW --ctorigdstport ${port} -m conntrack --ctstate DNAT -j REJECT --reject-with tcp-reset`;
	return `
iptables -w 10 -N ${chain} 2> /dev/null || true
iptables -w 10 -C ${rule} 2> /dev/null || iptables -w 10 -A ${rule}
for hook in FORWARD OUTPUT; do
  iptables -w 10 -C $hook -j ${chain} 2> /dev/null || iptables -w 10 -I $hook -j ${chain}
done
`.trim();
}
