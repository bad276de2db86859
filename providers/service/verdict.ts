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
 * How far a rollout has come, judged by one snapshot of it. Pure.
 */

/** What there was before, and so is not this rollout's doing. */
export interface Before {
	/** IDs of tasks. */
	tasks: ReadonlySet<string>;
	/** Set when nothing was written: then only a change of it counts. */
	update?: UpdateStatus;
}

/** What was seen at one time. */
export interface Snapshot {
	service: Found;
	tasks: Task[];
	/** All of the swarm. */
	nodes: Node[];
	/** What the wanted nodes answered, as far as they were asked. */
	checks: NodeCheck[];
	/** Names of wanted nodes that are gone, or down for longer than a reboot takes. */
	lost: string[];
	/** Names of wanted nodes that have been refusing connections for a while, with a running task and held by nobody. */
	silent: string[];
	/** Seconds for which every task has been running that is to run; 0 while one does not. */
	runningSeconds: number;
	/** IDs of the tasks that have been seen running for the monitor time. */
	established: ReadonlySet<string>;
	/** Names of wanted nodes whose agent has kept the wanted task out for longer than one may take, though it runs. */
	shut: string[];
}

export type Stage =
	| { kind: "done" }
	| { kind: "waiting"; seen: string }
	/** The new version failed; the old one is being put back, which takes its own time. */
	| { kind: "rollingBack"; seen: string }
	/** The new version failed, and Swarm does not see it: what ran before is to be put back. */
	| { kind: "takeBack"; why: string }
	/** Another plan is to be made, with what was learned. */
	| { kind: "again"; lost: string[]; silent: string[] }
	| { kind: "failed"; why: string; isRolledBack?: true };

/** How often a task of one version may fail before it is given up. */
const failuresTolerated = 3;

/** `tried`: names of nodes that a plan was made for already. */
export function stageOf(snapshot: Snapshot, wanted: TaskTemplate, before: Before, inputs: ServiceInputs, tried: string[] = []): Stage {
	const { UpdateStatus: status, Spec: spec } = snapshot.service;
	// The end of an earlier update stays in the status until the next one: it is not this one's.
	const ended = endOf(sameValue(status, before.update) ? undefined : status, snapshot, wanted, inputs);
	if (ended) return ended;
	if (!sameTask(spec.TaskTemplate, wanted))
		return failed(inputs, "someone changed it meanwhile: pulumi up --refresh shows what, and puts it back");
	const tasks = snapshot.tasks.filter((task) => sameTask(task.Spec, wanted));
	const fresh = tasks.filter(({ ID: id }) => !before.tasks.has(id));
	const { done, total, left } = counted(tasks, inputs);
	if (fresh.filter(hasFailed).length >= failuresTolerated * total)
		return failed(inputs, `tasks fail again and again, ${done} of ${total} run`);
	// Swarm judges failures before it asks the next node. In an order of nodes all are asked at once. What fails after the monitor time is not the version's fault.
	const hasFailedSoon = (task: Task) => hasFailed(task) && !snapshot.established.has(task.ID);
	if (isUpdating(status) && inputs.rollout.order.length > 0 && isLossless(inputs) && fresh.some(hasFailedSoon))
		return { kind: "takeBack", why: "" };
	// Healthy to Docker, and not to its agent: Swarm goes on to the next node, whose agent waits for this one.
	if (isUpdating(status) && snapshot.shut.length > 0) {
		const why = snapshot.checks.filter(({ node }) => snapshot.shut.includes(node)).map(whySilent);
		return inputs.rollout.failureAction === "rollback" ? { kind: "takeBack", why: why.join("; ") } : failed(inputs, why.join("; "));
	}
	const lost = snapshot.lost.filter((name) => !tried.includes(name));
	// Swarm waits for such a node for ever.
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
	// What Swarm goes back to is what was written before, and after a lost node that is the same version.
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

/** Of the routing mesh a task may run on any node; in host mode every wanted node has one of its own, and nodes that are to go may have more. */
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

/** Every task runs that is to run, as far as Swarm knows. */
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
	// What serves there is the task before, though the next one runs: Docker has started it beside, without its port, and it will be replaced.
	const isOld = wanted.some(({ name }) => snapshot.checks.some(({ node, agent }) => node === name && agent?.state === "waiting"));
	if (isOld) return { kind: "waiting", seen: told("all tasks run", snapshot, inputs) };
	if (snapshot.lost.length === 0) return { kind: "done" };
	const others = `${wanted.length} of ${inputs.nodes.length} nodes are up to date and serve`;
	return failed(inputs, [others, ...idleNodes(snapshot.nodes, inputs)].join("; "));
}
