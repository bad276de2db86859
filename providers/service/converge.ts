import type Docker from "dockerode";
import { isUnreachable, SshError } from "../../lib/ssh.ts";
import type { Node } from "../../lib/swarm.ts";
import { DeadlineError, type Seen, until } from "../../lib/wait.ts";
import { type Context, PartialFailure, sameValue } from "../define.ts";
import { covers } from "./observe.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { idleNodes, isHealthy, lastLogLines, taskErrors, tasksOf, tasksUnderWay } from "./tasks.ts";

/** Swarm's account of the last update. */
export interface UpdateStatus {
	State: string;
	StartedAt?: string;
	Message: string;
}

/** What there was before the update, and so is not its doing. */
export interface Before {
	/** IDs of tasks. */
	tasks: string[];
	/** Set when nothing was updated: then only a change of it counts. */
	updateStatus?: UpdateStatus;
}

/** Everything but what a prober saw. */
export type Converged = Omit<ServiceOutputs, "lastRollout">;

/** A rollout that is over is seen within this time, in milliseconds; a look costs the manager little. */
const maxPauseMs = 1000;

/** Waits until every task of the current spec runs and answers. @throws PartialFailure with the tasks' own errors and last log lines. */
export async function converged(
	manager: Docker,
	serviceId: string,
	before: Before,
	inputs: ServiceInputs,
	{ progress }: Context,
): Promise<Converged> {
	const outputs = { serviceId, imageDigest: inputs.image, observed: { image: inputs.image, running: inputs.replicas, differs: [] } };
	try {
		const tasks = { what: `service ${inputs.name}`, deadlineSeconds: inputs.convergeSeconds, progress, maxPauseMs };
		const lookAtRollout = () => lookAtTasks(manager, serviceId, before, inputs);
		await until(tasks, patient(lookAtRollout));
		const answering = `service ${inputs.name} answering ${inputs.health.path}`;
		const lookAtAnswers = () => lookAtHealth(inputs);
		await until({ what: answering, deadlineSeconds: inputs.health.deadlineSeconds, progress, maxPauseMs }, patient(lookAtAnswers));
		return outputs;
	} catch (error) {
		if (!(error instanceof DeadlineError || error instanceof ServiceError)) throw error;
		const fresh = (await tasksOf(manager, serviceId)).filter(({ ID: id }) => !before.tasks.includes(id));
		const errors = taskErrors(fresh, inputs.nodes);
		const log = await lastLogLines(manager, serviceId);
		const details = [error.message, ...errors.map((line) => `  ${line}`), log && `last log lines:\n${log}`];
		// After a rollback the service is again what the state says it is.
		if (error instanceof RolledBackError) throw new Error(details.filter(Boolean).join("\n"));
		// Otherwise what runs is unknown: the next `up` looks again.
		throw new PartialFailure(
			serviceId,
			{ ...outputs, observed: { image: "", running: 0, differs: [] }, lastRollout: null },
			details.filter(Boolean).join("\n"),
		);
	}
}

/** Goes on when a look fails: a manager that restarts, or a connection that breaks, does not end a rollout that Swarm carries on. */
function patient<T>(look: () => Promise<Seen<T>>): () => Promise<Seen<T>> {
	return async () => {
		try {
			return await look();
		} catch (error) {
			const isLasting = error instanceof ServiceError || (error instanceof SshError && !isUnreachable(error));
			if (isLasting || (error as { statusCode?: number }).statusCode === 404) throw error;
			return { waiting: `cannot be seen now: ${(error as Error).message}` };
		}
	};
}

class ServiceError extends Error {}
class RolledBackError extends ServiceError {}

/** How often a task of one version may fail before it is given up. */
const failuresTolerated = 3;

async function lookAtTasks(manager: Docker, serviceId: string, before: Before, inputs: ServiceInputs): Promise<Seen<undefined>> {
	const service = await manager.getService(serviceId).inspect();
	// The end of an earlier update stays in the status until the next one: it is not this one's.
	const update: UpdateStatus | undefined = sameValue(service.UpdateStatus, before.updateStatus) ? undefined : service.UpdateStatus;
	if (update?.State === "rollback_completed")
		throw new RolledBackError(`service ${inputs.name}: the new version failed, and the old one is back on all nodes`);
	if (update && ["paused", "rollback_paused"].includes(update.State)) {
		throw new ServiceError(`service ${inputs.name}: Swarm stopped the update: ${update.State}: ${update.Message}`);
	}
	if (update?.State === "rollback_started") return { waiting: "the new version failed: the old one is being put back" };
	// A task's spec is the service's at the time, less the runtime.
	const { Runtime: _runtime, ...wanted } = service.Spec.TaskTemplate;
	const tasks = (await tasksOf(manager, serviceId)).filter((task) => covers(task.Spec, wanted));
	const running = tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running").length;
	const failed = tasks.filter((task) => ["failed", "rejected"].includes(task.Status.State)).length;
	if (running >= inputs.replicas && service.UpdateStatus?.State !== "updating") return { done: undefined };
	if (failed >= failuresTolerated * inputs.replicas)
		throw new ServiceError(`service ${inputs.name}: tasks fail again and again, ${running} of ${inputs.replicas} run`);
	const [trouble] = [...taskErrors(tasks, inputs.nodes), ...tasksUnderWay(tasks, inputs.nodes)];
	const idle = idleNodes((await manager.listNodes()) as Node[], inputs);
	return { waiting: [`${running} of ${inputs.replicas} tasks running`, ...idle, ...(trouble ? [trouble] : [])].join("; ") };
}

async function lookAtHealth(inputs: ServiceInputs): Promise<Seen<undefined>> {
	const answers = await Promise.all(inputs.nodes.map(async (node) => ({ name: node.name, healthy: await isHealthy(node, inputs) })));
	const silent = answers.filter(({ healthy }) => !healthy).map(({ name }) => name);
	return silent.length === 0 ? { done: undefined } : { waiting: `no 200 yet from ${silent.join(", ")}` };
}
