import type Docker from "dockerode";
import { dockerOn } from "../../lib/docker.ts";
import { ecrRegistry } from "../../lib/ecr.ts";
import { dockerOnManager, findManager, managersOf } from "../../lib/managers.ts";
import { orUndefined, ownerLabel, retryOutOfSequence } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import { type Context, defineProvider, PartialFailure, sameValue } from "../define.ts";
import { type Before, type Converged, converged } from "./converge.ts";
import { disruption } from "./disruption.ts";
import { covers, observe } from "./observe.ts";
import { holdLaterNodes, orderEnded } from "./order.ts";
import { describeProbe, Prober } from "./prober.ts";
import type { ServiceInputs, ServiceMount, ServiceOutputs } from "./resource.ts";
import { isLossless, type ServiceSpec, serviceSpec } from "./spec.ts";
import { tasksOf } from "./tasks.ts";
import { mendVolumes, removeVolumes, wrongVolumes } from "./volumes.ts";

export const provider = defineProvider<ServiceInputs, ServiceOutputs>({
	inputs: {
		managers: "update",
		clusterId: "update",
		name: "replace",
		owner: "ignore",
		image: "update",
		// An ECR token is another one at every run, and the managers renew it (agent/registry-login.py).
		registryAuth: (_old, fresh) => (ecrRegistry(fresh?.serveraddress) ? "ignore" : "update"),
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
		// A host under another name in the configuration is the same node.
		nodes: (old, fresh) => (sameValue(old.map(nameless), fresh.map(nameless)) ? "ignore" : "update"),
	},
	deleteBeforeReplace: true,
	drift: ({ observed, replicas, imageDigest }) =>
		observed.image === imageDigest && observed.running === replicas && !observed.differs?.length ? [] : ["observed"],

	async create(inputs, context) {
		const outputs = await converge(inputs, context, true);
		return { id: outputs.serviceId, outputs: { ...outputs, lastRollout: null } };
	},

	async read(id, state, context) {
		const observed = await observe(swarmOf(state), id, { ...state, image: state.imageDigest });
		if (!observed) return undefined;
		const differs = [...observed.differs, ...(await wrongVolumes(state, context)).map(({ description }) => description)];
		return { serviceId: id, imageDigest: state.imageDigest, observed: { ...observed, differs }, lastRollout: state.lastRollout ?? null };
	},

	describeChange: (changed, olds, news) => disruption(changed, olds, news),

	async update(_id, olds, news, context) {
		const prober = new Prober(news.endpoint, news.rollout.prober);
		const hasNewLogin = !sameValue(olds.registryAuth, news.registryAuth);
		const progress = (message: string) => context.progress([message, describeProbe(prober.result())].filter(Boolean).join("; "));
		let outputs: Converged;
		try {
			outputs = await converge(news, { ...context, progress }, hasNewLogin);
		} catch (error) {
			// What is in use is not removed, so this takes only what the failed version brought along.
			if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, context, nameOf(olds.mount)).catch(() => {});
			throw error;
		} finally {
			await prober.stop();
		}
		if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, context, nameOf(news.mount));
		const probed = prober.result();
		if (probed) context.note(describeProbe(probed));
		const lastRollout = probed ?? olds.lastRollout ?? null;
		if (probed?.failed && news.rollout.prober.failOnError) {
			const problem = `service.rollout.prober: the rollout is complete, but requests failed: ${describeProbe(probed)}`;
			throw new PartialFailure(outputs.serviceId, { ...outputs, lastRollout }, problem);
		}
		return { ...outputs, lastRollout };
	},

	async delete(id, state, context) {
		const manager = swarmOf(state);
		await orUndefined(manager.getService(id).remove());
		await until({ what: "tasks stopping", deadlineSeconds: 120, progress: context.progress }, async () => {
			const left = await containersLeft(state, id);
			return left === 0 ? { done: undefined } : { waiting: `${left} containers left` };
		});
		await removeVolumes(state, context);
	},
});

const swarmOf = (inputs: ServiceInputs) => dockerOnManager({ managers: managersOf(inputs), clusterId: inputs.clusterId });

const nameless = ({ name: _name, ...node }: ServiceInputs["nodes"][number]) => node;

const nameOf = (mount: ServiceMount) => (mount.type === "volume" ? mount.name : undefined);

/** Brings the service to the inputs and waits until all of it runs and answers. `sendLogin`: the nodes' login is new, though the spec may not be. */
async function converge(inputs: ServiceInputs, context: Context, sendLogin: boolean): Promise<Converged> {
	const manager = swarmOf(inputs);
	const image = await withDigest(manager, inputs);
	// First: a task may not even start with such a volume.
	await mendVolumes(inputs, context);
	const { serviceId, before } = await ensureService(manager, { ...inputs, image }, sendLogin, context);
	return converged(manager, serviceId, before, { ...inputs, image }, context);
}

/** Creates the service, or brings the one that exists to the spec. @throws Error when the name belongs to another stack. */
async function ensureService(
	manager: Docker,
	inputs: ServiceInputs,
	sendLogin: boolean,
	{ progress }: Pick<Context, "progress">,
): Promise<{ serviceId: string; before: Before }> {
	const spec = serviceSpec(inputs);
	const found = await orUndefined(manager.getService(inputs.name).inspect());
	if (!found) {
		const made = (await manager.createService(inputs.registryAuth as never, spec as never)) as unknown as { ID?: string; id?: string };
		return { serviceId: (made.ID ?? made.id) as string, before: { tasks: [] } };
	}
	const owner = found.Spec.Labels?.[ownerLabel];
	if (owner !== inputs.owner) {
		const whose = owner ? `of stack ${owner}` : "made by other means";
		throw new Error(`service.name = "${inputs.name}": the swarm has a service of this name ${whose}: choose another name, or remove it`);
	}
	const tasks = (await tasksOf(manager, found.ID)).map(({ ID: id }) => id);
	const inOrder = inputs.rollout.order.length > 0 && isLossless(inputs) && !covers(found.Spec.TaskTemplate, spec.TaskTemplate);
	const orderer = inOrder ? await findManager(inputs) : undefined;
	if (orderer) await holdLaterNodes(inputs, orderer, found.UpdateStatus?.StartedAt);
	// The same spec once more has Swarm go on with an update that it stopped.
	const isStopped = found.UpdateStatus?.State?.endsWith("paused") ?? false;
	const changed = await applySpec(manager, found.ID, spec, inputs.registryAuth, isStopped || (sendLogin && !!inputs.registryAuth));
	if (orderer) await orderEnded(inputs, orderer, progress);
	return { serviceId: found.ID, before: { tasks, updateStatus: changed ? undefined : found.UpdateStatus } };
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

/** Writes the spec, unless it is there already and nothing forces it. Returns whether it was written. A new login alone replaces no task. */
async function applySpec(
	manager: Docker,
	id: string,
	spec: ServiceSpec,
	auth: ServiceInputs["registryAuth"],
	force: boolean,
): Promise<boolean> {
	return retryOutOfSequence(async () => {
		const found = await manager.getService(id).inspect();
		if (covers(found.Spec, spec) && !force) return false;
		await manager.getService(id).update(auth as never, { _query: { version: found.Version.Index }, _body: spec } as never);
		return true;
	});
}

async function containersLeft(inputs: ServiceInputs, serviceId: string): Promise<number> {
	const filters = { label: [`com.docker.swarm.service.id=${serviceId}`] };
	const counts = await Promise.all(
		inputs.nodes.map(async ({ connection }) => (await dockerOn(connection).listContainers({ filters })).length),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}
