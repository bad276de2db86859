import type Docker from "dockerode";
import { dockerOn } from "../../lib/docker.ts";
import { SshError } from "../../lib/ssh.ts";
import { orUndefined, retryOutOfSequence } from "../../lib/swarm.ts";
import { DeadlineError, type Seen, until } from "../../lib/wait.ts";
import { type Context, defineProvider, PartialFailure, sameValue } from "../define.ts";
import { disruption } from "./disruption.ts";
import { describeProbe, Prober } from "./prober.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { ownerLabel, type ServiceSpec, serviceSpec } from "./spec.ts";
import { isHealthy, lastLogLines, taskErrors, tasksOf } from "./tasks.ts";
import { removeVolumes } from "./volumes.ts";

export const provider = defineProvider<ServiceInputs, ServiceOutputs>({
	inputs: {
		manager: "update",
		name: "replace",
		owner: "ignore",
		image: "update",
		registryAuth: "ignore",
		replicas: "update",
		// Swarm cannot turn a global service into a replicated one.
		publish: (old, fresh) => (old.mode === fresh.mode ? "update" : "replace"),
		env: "update",
		secretEnv: "update",
		secrets: "update",
		mount: "update",
		user: "update",
		health: "update",
		cpus: "update",
		memoryMiB: "update",
		stopGraceSeconds: "update",
		restart: "update",
		rollout: "update",
		endpoint: "ignore",
		convergeSeconds: "ignore",
		placement: "update",
		nodes: "update",
	},
	deleteBeforeReplace: true,
	drift: ({ observed, replicas, imageDigest }) => (sameValue(observed, { image: imageDigest, running: replicas }) ? [] : ["observed"]),

	async create(inputs, context) {
		const manager = dockerOn(inputs.manager);
		const { serviceId, image } = await ensureService(manager, inputs);
		return { id: serviceId, outputs: await converged(manager, serviceId, { ...inputs, image }, context) };
	},

	async read(id, state) {
		const manager = dockerOn(state.manager);
		const service = await orUndefined(manager.getService(id).inspect());
		if (!service) return undefined;
		const tasks = await tasksOf(manager, id);
		const running = tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running");
		return {
			serviceId: id,
			imageDigest: state.imageDigest,
			observed: { image: service.Spec.TaskTemplate.ContainerSpec.Image, running: running.length },
		};
	},

	describeChange: (changed, olds, news) => disruption(changed, olds, news),

	async update(_id, olds, news, context) {
		const manager = dockerOn(news.manager);
		const prober = new Prober(news.endpoint, news.rollout.prober);
		const replaceTasks = async () => {
			const { serviceId, image } = await ensureService(manager, news);
			return converged(manager, serviceId, { ...news, image }, context);
		};
		const outputs = await replaceTasks().finally(() => prober.stop());
		if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, context);
		const lastRollout = prober.result() ?? olds.lastRollout;
		if (prober.result()?.failed && news.rollout.prober.failOnError) {
			throw new PartialFailure(
				outputs.serviceId,
				{ ...outputs, lastRollout },
				`service.rollout.prober: the rollout is complete, but requests failed: ${describeProbe(lastRollout)}`,
			);
		}
		return { ...outputs, lastRollout };
	},

	async delete(id, state, context) {
		const manager = dockerOn(state.manager);
		await orUndefined(manager.getService(id).remove());
		await until({ what: "tasks stopping", deadlineSeconds: 120, progress: context.progress }, async () => {
			const left = await containersLeft(state, id);
			return left === 0 ? { done: undefined } : { waiting: `${left} containers left` };
		});
		await removeVolumes({ ...state, mount: { ...state.mount, name: "" } as never }, context);
	},
});

/** Creates the service, or brings the one that exists to the spec. @throws Error when the name belongs to another stack. */
async function ensureService(manager: Docker, inputs: ServiceInputs): Promise<{ serviceId: string; image: string }> {
	const image = await withDigest(manager, inputs);
	const spec = serviceSpec({ ...inputs, image });
	const found = await orUndefined(manager.getService(inputs.name).inspect());
	if (!found) {
		const made = (await manager.createService(inputs.registryAuth as never, spec as never)) as unknown as { ID?: string; id?: string };
		return { serviceId: (made.ID ?? made.id) as string, image };
	}
	const owner = found.Spec.Labels?.[ownerLabel];
	if (owner !== inputs.owner) {
		const whose = owner ? `of stack ${owner}` : "made by other means";
		throw new Error(`service.name = "${inputs.name}": the swarm has a service of this name ${whose}: choose another name, or remove it`);
	}
	await applySpec(manager, found.ID, spec, inputs.registryAuth);
	return { serviceId: found.ID, image };
}

/** The image with its digest: the API does not pin tags, and nodes that pull at different times would run different images. */
async function withDigest(manager: Docker, { image, registryAuth }: ServiceInputs): Promise<string> {
	if (image.includes("@")) return image;
	try {
		const { Descriptor: descriptor } = (await manager.getImage(image).distribution({ authconfig: registryAuth } as never)) as unknown as {
			Descriptor: { digest: string };
		};
		return `${image.replace(/:[^:/]*$/, "")}@${descriptor.digest}`;
	} catch (error) {
		throw new Error(
			`image.name, image.tag = "${image}": the registry does not give it: ${(error as Error).message}: check name, tag and registry.password`,
		);
	}
}

/** Writes the spec unless it is there already. */
export async function applySpec(manager: Docker, id: string, spec: ServiceSpec, auth: ServiceInputs["registryAuth"]): Promise<void> {
	await retryOutOfSequence(async () => {
		const found = await manager.getService(id).inspect();
		if (covers(found.Spec, spec)) return;
		await manager.getService(id).update(auth as never, { _query: { version: found.Version.Index }, _body: spec } as never);
	});
}

/** Whether everything that `wanted` says stands in `found`; Swarm adds defaults of its own. */
function covers(found: unknown, wanted: unknown): boolean {
	if (Array.isArray(wanted))
		return Array.isArray(found) ? wanted.length === found.length && wanted.every((item, i) => covers(found[i], item)) : wanted.length === 0;
	if (wanted === null || typeof wanted !== "object") return sameValue(found, wanted) || (wanted === 0 && found === undefined);
	if (Object.keys(wanted).length === 0) return true;
	if (found === null || typeof found !== "object") return false;
	return Object.entries(wanted).every(([key, value]) => covers((found as Record<string, unknown>)[key], value));
}

/** Waits until every task of the current spec runs and answers. @throws PartialFailure with the tasks' own errors and last log lines. */
async function converged(manager: Docker, serviceId: string, inputs: ServiceInputs, { progress }: Context): Promise<ServiceOutputs> {
	const outputs = { serviceId, imageDigest: inputs.image, observed: { image: inputs.image, running: inputs.replicas } };
	try {
		const tasks = { what: `service ${inputs.name}`, deadlineSeconds: inputs.convergeSeconds, progress };
		await until(
			tasks,
			patient(() => lookAtTasks(manager, serviceId, inputs)),
		);
		const health = {
			what: `service ${inputs.name} answering ${inputs.health.path}`,
			deadlineSeconds: inputs.health.deadlineSeconds,
			progress,
		};
		await until(
			health,
			patient(() => lookAtHealth(inputs)),
		);
		return outputs;
	} catch (error) {
		if (!(error instanceof DeadlineError || error instanceof ServiceError)) throw error;
		const errors = taskErrors(await tasksOf(manager, serviceId), inputs.nodes);
		const log = await lastLogLines(manager, serviceId);
		const details = [error.message, ...errors.map((line) => `  ${line}`), log && `last log lines:\n${log}`];
		// After a rollback the service is again what the state says it is.
		if (error instanceof RolledBackError) throw new Error(details.filter(Boolean).join("\n"));
		// Otherwise what runs is unknown: the next `up` looks again.
		throw new PartialFailure(serviceId, { ...outputs, observed: { image: "", running: 0 } }, details.filter(Boolean).join("\n"));
	}
}

/** Goes on when a look fails: a manager that restarts, or a connection that breaks, does not end a rollout that Swarm carries on. */
function patient<T>(look: () => Promise<Seen<T>>): () => Promise<Seen<T>> {
	return async () => {
		try {
			return await look();
		} catch (error) {
			const isLasting = error instanceof ServiceError || (error instanceof SshError && error.fault !== "unreachable");
			if (isLasting || (error as { statusCode?: number }).statusCode === 404) throw error;
			return { waiting: `cannot be seen now: ${(error as Error).message}` };
		}
	};
}

class ServiceError extends Error {}
class RolledBackError extends ServiceError {}

/** How often a task of one version may fail before it is given up. */
const failuresTolerated = 3;

async function lookAtTasks(manager: Docker, serviceId: string, inputs: ServiceInputs): Promise<Seen<undefined>> {
	const service = await manager.getService(serviceId).inspect();
	const update = service.UpdateStatus as { State: string; Message: string } | undefined;
	if (update?.State === "rollback_completed")
		throw new RolledBackError(`service ${inputs.name}: the new version failed, and the old one is back on all nodes`);
	if (update && ["paused", "rollback_paused"].includes(update.State)) {
		throw new ServiceError(`service ${inputs.name}: Swarm stopped the update: ${update.State}: ${update.Message}`);
	}
	if (update?.State === "rollback_started") return { waiting: "the new version failed: the old one is being put back" };
	const tasks = (await tasksOf(manager, serviceId)).filter((task) =>
		covers(task.Spec, { ...service.Spec.TaskTemplate, Runtime: undefined }),
	);
	const running = tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running").length;
	const failed = tasks.filter((task) => ["failed", "rejected"].includes(task.Status.State)).length;
	if (running >= inputs.replicas && update?.State !== "updating") return { done: undefined };
	if (failed >= failuresTolerated * inputs.replicas)
		throw new ServiceError(`service ${inputs.name}: tasks fail again and again, ${running} of ${inputs.replicas} run`);
	const errors = taskErrors(tasks, inputs.nodes);
	return { waiting: `${running} of ${inputs.replicas} tasks running${errors[0] ? `; ${errors[0]}` : ""}` };
}

async function lookAtHealth(inputs: ServiceInputs): Promise<Seen<undefined>> {
	const answers = await Promise.all(inputs.nodes.map(async (node) => ({ name: node.name, healthy: await isHealthy(node, inputs) })));
	const silent = answers.filter(({ healthy }) => !healthy).map(({ name }) => name);
	return silent.length === 0 ? { done: undefined } : { waiting: `no 200 yet from ${silent.join(", ")}` };
}

async function containersLeft(inputs: ServiceInputs, serviceId: string): Promise<number> {
	const filters = { label: [`com.docker.swarm.service.id=${serviceId}`] };
	const counts = await Promise.all(
		inputs.nodes.map(async ({ connection }) => (await dockerOn(connection).listContainers({ filters })).length),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}
