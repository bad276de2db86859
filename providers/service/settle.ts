import { isUnreachable, SshError } from "../../lib/ssh.ts";
import { type Node, retryOutOfSequence } from "../../lib/swarm.ts";
import { DeadlineError, type Seen, until } from "../../lib/wait.ts";
import { sameTask } from "./compare.ts";
import type { Means } from "./means.ts";
import { convergeSeconds } from "./pace.ts";
import { isUpdating } from "./plan.ts";
import type { ServiceInputs } from "./resource.ts";
import { admissionSeconds, checkNodes, isHeld, isKeptOut, type NodeCheck } from "./serving.ts";
import type { TaskTemplate } from "./spec.ts";
import { failedLogs, isRunning, taskErrors, tasksOf } from "./tasks.ts";
import { type Before, type Snapshot, type Stage, stageOf } from "./verdict.ts";

/*
 * Waits until every wanted node runs the wanted task and serves. See verdict.ts for what one snapshot says.
 */

/** A rollout that did not end well, with the failed tasks' own errors and last log lines. */
export class RolloutError extends Error {
	readonly serviceId: string;
	/** Swarm has restored what ran before. */
	readonly isRolledBack: boolean;
	/** Parts of the spec that are as they were when the service was taken over. */
	inherited?: string[];
	constructor(serviceId: string, isRolledBack: boolean, message: string) {
		super(message);
		this.serviceId = serviceId;
		this.isRolledBack = isRolledBack;
	}
}

/** The end of a rollout is seen within this time, in milliseconds; a check of the swarm costs the manager little. */
const maxPauseMs = 1000;
/** Nodes are checked less often while nothing there is waited for, */
const nodesMs = 5000;
/** and even less if a check takes long, so that checks take a tenth of the time: new tasks are starting there, and need the processor. */
const slowNodesMs = 20_000;
/** Swarm sees a rebooting node as down; it is expected back within this time. */
const lostMs = 120_000;
/** A node may refuse connections this long although its task runs: ports must be published, and agents check only now and then. */
const silentMs = 30_000;

/** What was learned and needs another plan; empty when all is well. */
export interface Learned {
	lost: string[];
	silent: string[];
}

/** @throws RolloutError */
export async function settle(
	serviceId: string,
	wanted: TaskTemplate,
	before: Before,
	inputs: ServiceInputs,
	means: Means,
	tried: string[] = [],
): Promise<Learned> {
	const { progress, clock } = means;
	const watch = new Watch(serviceId, inputs, means);
	const options = { what: `service ${inputs.name}`, deadlineSeconds: convergeSeconds(inputs), progress, maxPauseMs, clock };
	const check = patient(async (): Promise<Seen<Stage>> => {
		const stage = stageOf(await watch.observe(wanted), wanted, before, inputs, tried);
		return stage.kind === "waiting" ? { waiting: stage.seen } : { done: stage };
	});
	const rollBack = patient(async (): Promise<Seen<Stage>> => {
		const stage = stageOf(await watch.observe(wanted), wanted, before, inputs, tried);
		if (stage.kind === "takeBack") return { waiting: "the new version failed: the old one is asked for" };
		return stage.kind === "rollingBack" || stage.kind === "waiting" ? { waiting: stage.seen } : { done: stage };
	});
	try {
		let stage = await until(options, check);
		let cause = "";
		if (stage.kind === "takeBack") {
			cause = stage.why;
			await until(
				options,
				patient(async (): Promise<Seen<void>> => ({ done: await takeBack(serviceId, wanted, means) })),
			);
			stage = await until(options, rollBack);
		}
		// A rollback is a rollout as well, with its own deadline.
		if (stage.kind === "rollingBack") stage = await until(options, rollBack);
		if (stage.kind === "failed")
			throw new RolloutError(serviceId, stage.isRolledBack ?? false, [stage.why, cause].filter(Boolean).join(": "));
		return stage.kind === "again" ? stage : { lost: [], silent: [] };
	} catch (error) {
		if (!(error instanceof DeadlineError || error instanceof RolloutError)) throw error;
		const isRolledBack = error instanceof RolloutError && error.isRolledBack;
		throw new RolloutError(serviceId, isRolledBack, await explained(error.message, serviceId, before, inputs, means));
	}
}

/** Makes Swarm roll back, unless that has already happened: a second rollback would bring back the failed version. */
async function takeBack(serviceId: string, wanted: TaskTemplate, { swarm }: Means): Promise<void> {
	await retryOutOfSequence(async () => {
		const { Version: version, Spec: spec } = await swarm.getService(serviceId).inspect();
		if (!sameTask(spec.TaskTemplate, wanted)) return;
		await swarm
			.getService(serviceId)
			.update(undefined as never, { _query: { version: version.Index, rollback: "previous" }, _body: spec } as never);
	});
}

/** The message with the errors and log lines of this rollout's own tasks. */
async function explained(message: string, serviceId: string, before: Before, { nodes }: ServiceInputs, { swarm }: Means): Promise<string> {
	const all = await tasksOf(swarm, serviceId).catch(() => []);
	const fresh = all.filter(({ ID: id }) => !before.tasks.has(id));
	return [message, ...taskErrors(fresh, nodes, all).map((line) => `  ${line}`), ...(await failedLogs(swarm, fresh, nodes))].join("\n");
}

/** Continues when a check fails: a restarting manager or a broken connection does not end a rollout that Swarm continues. */
function patient<T>(check: () => Promise<Seen<T>>): () => Promise<Seen<T>> {
	return async () => {
		try {
			return await check();
		} catch (error) {
			const isLasting = error instanceof SshError && !isUnreachable(error);
			if (isLasting || (error as { statusCode?: number }).statusCode === 404) throw error;
			return { waiting: `cannot be seen now: ${(error as Error).message}` };
		}
	};
}

/** Takes snapshots, and remembers how long each condition has lasted. */
class Watch {
	readonly #serviceId: string;
	readonly #inputs: ServiceInputs;
	readonly #means: Means;
	readonly #since = new Map<string, number>();
	readonly #established = new Set<string>();
	#checks: NodeCheck[] = [];
	#askedAt = Number.NEGATIVE_INFINITY;
	#pauseMs = 0;
	#agentsAt = Number.NEGATIVE_INFINITY;

	constructor(serviceId: string, inputs: ServiceInputs, means: Means) {
		this.#serviceId = serviceId;
		this.#inputs = inputs;
		this.#means = means;
	}

	async observe(wanted: TaskTemplate): Promise<Snapshot> {
		const { swarm } = this.#means;
		const service = await swarm.getService(this.#serviceId).inspect();
		const tasks = await tasksOf(swarm, this.#serviceId);
		const nodes = (await swarm.listNodes()) as Node[];
		const runs = (nodeId: string) => tasks.some((task) => task.NodeID === nodeId && isRunning(task) && sameTask(task.Spec, wanted));
		const isHost = this.#inputs.publish.mode === "host";
		const allRun = !isUpdating(service.UpdateStatus) && (!isHost || this.#inputs.nodes.every(({ nodeId }) => runs(nodeId)));
		const runningMs = this.#lasting("all run", allRun);
		for (const task of tasks) {
			if (this.#lasting(`runs ${task.ID}`, isRunning(task)) >= this.#inputs.rollout.monitorSeconds * 1000) this.#established.add(task.ID);
		}
		const keepsOut = (found: NodeCheck) => isKeptOut(found, this.#inputs.nodes, runs);
		// A version is judged by what its nodes do now, not by an old check.
		await this.#askNodes(allRun || this.#checks.some(keepsOut));
		const isShut = (found: NodeCheck) => this.#lasting(`shut ${found.node}`, keepsOut(found)) >= admissionSeconds(this.#inputs) * 1000;
		return {
			service,
			tasks,
			nodes,
			checks: this.#checks,
			lost: this.#inputs.nodes.filter(({ nodeId }) => this.#isLost(nodeId, nodes)).map(({ name }) => name),
			silent: isHost ? this.#checks.filter((found) => this.#isSilent(found, allRun)).map(({ node }) => node) : [],
			runningSeconds: runningMs / 1000,
			established: this.#established,
			shut: this.#checks.filter(isShut).map(({ node }) => node),
		};
	}

	/** `isDue`: a decision depends on it. Otherwise, while tasks are replaced, it is only for the operator to see. */
	async #askNodes(isDue: boolean): Promise<void> {
		const now = this.#means.clock.now();
		if (!isDue && now - this.#askedAt < this.#pauseMs) return;
		const withAgents = now - this.#agentsAt >= nodesMs;
		const checks = await checkNodes(this.#inputs.nodes, this.#inputs, this.#means, withAgents);
		const said = (node: string) => this.#checks.find((known) => known.node === node)?.agent;
		this.#checks = withAgents ? checks : checks.map((found) => ({ ...found, agent: said(found.node) }));
		this.#askedAt = now;
		this.#pauseMs = Math.max(nodesMs, Math.min(10 * (this.#means.clock.now() - now), slowNodesMs));
		if (withAgents) this.#agentsAt = now;
	}

	#isLost(nodeId: string, nodes: Node[]): boolean {
		const node = nodes.find(({ ID: id }) => id === nodeId);
		const isDown = node?.Status?.State === "down";
		const downMs = this.#lasting(`down ${nodeId}`, isDown);
		return !node || (isDown && downMs >= lostMs);
	}

	#isSilent(found: NodeCheck, allRun: boolean): boolean {
		const isSilent = allRun && found.isRefused && !found.serves && !isHeld(found);
		return this.#lasting(`silent ${found.node}`, isSilent) >= silentMs;
	}

	/** Milliseconds for which the condition has lasted; 0 when it does not hold. */
	#lasting(what: string, isSo: boolean): number {
		const now = this.#means.clock.now();
		if (!isSo) {
			this.#since.delete(what);
			return 0;
		}
		const since = this.#since.get(what) ?? now;
		this.#since.set(what, since);
		return now - since;
	}
}
