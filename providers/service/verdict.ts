import { isLossless } from "../../lib/rollout.ts";
import type { Node, Task } from "../../lib/swarm.ts";
import { sameValue } from "../define.ts";
import { sameTask } from "./compare.ts";
import { type Found, isStopped, isUpdating, type UpdateStatus } from "./plan.ts";
import type { ServiceInputs, ServiceNode } from "./resource.ts";
import { admissionSeconds, type NodeCheck, whySilent } from "./serving.ts";
import type { TaskTemplate } from "./spec.ts";
import { hasFailed, idleNodes, isRunning, isStopping, taskErrors, tasksUnderWay } from "./tasks.ts";

/*
 * The progress of a rollout, judged from one snapshot. Pure.
 */

/** What existed before, and so was not caused by this rollout. */
export interface Before {
	/** IDs of tasks. */
	tasks: ReadonlySet<string>;
	/** Set if nothing was written: then only a change of it counts. */
	update?: UpdateStatus;
}

/** The state at one moment. */
export interface Snapshot {
	service: Found;
	tasks: Task[];
	/** All nodes of the swarm. */
	nodes: Node[];
	/** Checks of those wanted nodes that were asked. */
	checks: NodeCheck[];
	/** Names of wanted nodes that are gone, or down for longer than a reboot takes. */
	lost: string[];
	/** Names of wanted nodes that have refused connections for a while, although a task runs and no agent holds them. */
	silent: string[];
	/** Seconds for which all wanted tasks have been running; 0 while one does not. */
	runningSeconds: number;
	/** IDs of the tasks that have run for the monitor time. */
	established: ReadonlySet<string>;
	/** Names of wanted nodes whose wanted task runs, but whose agent has kept it out for longer than admission may take. */
	shut: string[];
}

export type Stage =
	| { kind: "done" }
	| { kind: "waiting"; seen: string }
	/** The new version failed; the old one is being restored, which takes its own time. */
	| { kind: "rollingBack"; seen: string }
	/** The new version failed, and Swarm does not notice: the old one must be restored. */
	| { kind: "takeBack"; why: string }
	/** A new plan is needed, with what was learned. */
	| { kind: "again"; lost: string[]; silent: string[] }
	| { kind: "failed"; why: string; isRolledBack?: true };

/** Failures per wanted task before the version is given up. */
const failuresTolerated = 3;

/** `tried`: names of nodes that a plan has already dealt with. */
export function stageOf(snapshot: Snapshot, wanted: TaskTemplate, before: Before, inputs: ServiceInputs, tried: string[] = []): Stage {
	const { UpdateStatus: status, Spec: spec } = snapshot.service;
	// The status keeps the end of an earlier update until the next one starts: that end is not this update's.
	const ended = endOf(sameValue(status, before.update) ? undefined : status, snapshot, wanted, inputs);
	if (ended) return ended;
	if (!sameTask(spec.TaskTemplate, wanted))
		return failed(inputs, "someone changed it meanwhile: pulumi up --refresh shows what, and puts it back");
	const tasks = snapshot.tasks.filter((task) => sameTask(task.Spec, wanted));
	const fresh = tasks.filter(({ ID: id }) => !before.tasks.has(id));
	const { done, total, left } = counted(tasks, inputs);
	if (fresh.filter(hasFailed).length >= failuresTolerated * total)
		return failed(inputs, `tasks fail again and again, ${done} of ${total} run`);
	// Swarm counts failures before it continues with the next node. With an order all nodes are updated at once, so it would not. A failure after the
	// monitor time is not the version's fault.
	const hasFailedSoon = (task: Task) => hasFailed(task) && !snapshot.established.has(task.ID);
	if (isUpdating(status) && inputs.rollout.order.length > 0 && isLossless(inputs) && fresh.some(hasFailedSoon))
		return { kind: "takeBack", why: "" };
	// Docker says healthy, the agent does not: Swarm continues with the next node, whose agent waits for this one.
	if (isUpdating(status) && snapshot.shut.length > 0) {
		const why = snapshot.checks.filter(({ node }) => snapshot.shut.includes(node)).map(whySilent);
		return inputs.rollout.failureAction === "rollback" ? { kind: "takeBack", why: why.join("; ") } : failed(inputs, why.join("; "));
	}
	const lost = snapshot.lost.filter((name) => !tried.includes(name));
	// Swarm would wait for such a node for ever.
	if (isUpdating(status) && lost.length > 0) return { kind: "again", lost, silent: [] };
	const isHost = inputs.publish.mode === "host";
	const expected = isHost ? left.filter(({ name }) => !snapshot.lost.includes(name)).length : total - done;
	if (expected > 0 || isUpdating(status)) {
		const [trouble = ""] = [...taskErrors(fresh, inputs.nodes, snapshot.tasks), ...tasksUnderWay(tasks, inputs.nodes)];
		const count = `${done} of ${total} ${isHost ? "nodes updated" : "tasks run"}`;
		return { kind: "waiting", seen: told(count, snapshot, inputs, [...idleNodes(snapshot.nodes, inputs), trouble]) };
	}
	return whetherServing(snapshot, inputs, tried);
}

const failed = ({ name }: ServiceInputs, why: string): Stage => ({ kind: "failed", why: `service ${name}: ${why}` });

/** How Swarm ended this update, or is about to. */
function endOf(update: UpdateStatus | undefined, snapshot: Snapshot, wanted: TaskTemplate, inputs: ServiceInputs): Stage | undefined {
	// Swarm rolls back to the spec written before. After a lost node that is the same version.
	if (update?.State === "rollback_completed" && sameTask(snapshot.service.Spec.TaskTemplate, wanted))
		return failed(inputs, "the new version failed, and Swarm knows no other one: ask for the old one");
	if (update?.State === "rollback_completed")
		return {
			kind: "failed",
			why: `service ${inputs.name}: the new version failed, and the old one is back on all nodes`,
			isRolledBack: true,
		};
	if (isStopped(update)) return failed(inputs, `Swarm stopped the update: ${update?.State}: ${update?.Message}`);
	if (update?.State === "rollback_started")
		return { kind: "rollingBack", seen: told("the new version failed: the old one is being put back", snapshot, inputs) };
	return undefined;
}

/** With the routing mesh a task may run on any node. In host mode each wanted node has its own task; nodes to be removed may have more. */
function counted(tasks: Task[], { nodes, replicas, publish }: ServiceInputs): { done: number; total: number; left: ServiceNode[] } {
	const running = tasks.filter(isRunning);
	if (publish.mode !== "host") return { done: Math.min(running.length, replicas), total: replicas, left: [] };
	const left = nodes.filter(({ nodeId }) => !running.some((task) => task.NodeID === nodeId));
	return { done: nodes.length - left.length, total: nodes.length, left };
}

/** `2 of 3 nodes updated, 2 serve, worker1 draining (3 connections left); worker1: starting`. */
function told(first: string, { checks, tasks }: Snapshot, { nodes }: ServiceInputs, troubles: string[] = []): string {
	const serving = checks.length > 0 ? [`${checks.filter(({ serves }) => serves).length} serve`] : [];
	const held = checks.flatMap(({ node, agent }) => {
		const nodeId = nodes.find(({ name }) => name === node)?.nodeId;
		if (agent?.state === "waiting") return [`${node} waits for its turn`];
		if (agent?.state !== "closed" || !tasks.some((task) => task.NodeID === nodeId && isStopping(task))) return [];
		const left = agent.connections;
		return [`${node} draining${left === undefined ? "" : ` (${left} ${left === 1 ? "connection" : "connections"} left)`}`];
	});
	return [[first, ...serving, ...held].join(", "), ...troubles.filter(Boolean)].join("; ");
}

/** Called when all wanted tasks run, as far as Swarm knows. */
function whetherServing(snapshot: Snapshot, inputs: ServiceInputs, tried: string[]): Stage {
	const wanted = inputs.nodes.filter(({ name }) => !snapshot.lost.includes(name));
	const silent = wanted.flatMap(({ name }) => {
		const found = snapshot.checks.find(({ node }) => node === name);
		if (found?.serves) return [];
		return [found ? whySilent(found) : `${name} does not serve: it cannot be asked`];
	});
	const untried = snapshot.silent.filter((name) => !tried.includes(name));
	if (untried.length > 0) return { kind: "again", lost: [], silent: untried };
	if (silent.length > 0 && snapshot.runningSeconds >= admissionSeconds(inputs)) return failed(inputs, silent.join("; "));
	if (silent.length > 0) return { kind: "waiting", seen: [`all tasks run, ${wanted.length - silent.length} serve`, ...silent].join("; ") };
	// The old task still serves there, although the new one runs: Docker has started it without its port, and it will be replaced.
	const isOld = wanted.some(({ name }) => snapshot.checks.some(({ node, agent }) => node === name && agent?.state === "waiting"));
	if (isOld) return { kind: "waiting", seen: told("all tasks run", snapshot, inputs) };
	if (snapshot.lost.length === 0) return { kind: "done" };
	const others = `${wanted.length} of ${inputs.nodes.length} nodes are up to date and serve`;
	return failed(inputs, [others, ...idleNodes(snapshot.nodes, inputs)].join("; "));
}
