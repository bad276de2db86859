import type Docker from "dockerode";
import { dockerOnManager, findManager, managersOf } from "../../lib/managers.ts";
import { orUndefined, ownerLabel, retryOutOfSequence, runningTasks } from "../../lib/swarm.ts";
import { type Context, PartialFailure } from "../define.ts";
import { adoptedSpec, adoptionDifferences, asFound } from "./adoption.ts";
import { type Converged, converged, type UpdateStatus } from "./converge.ts";
import { closeBeforeStops } from "./farewell.ts";
import { covers } from "./observe.ts";
import { holdLaterNodes, orderEnded } from "./order.ts";
import type { ServiceInputs } from "./resource.ts";
import { announcement, isLossless, type ServiceSpec, serviceSpec } from "./spec.ts";
import { tasksOf } from "./tasks.ts";
import { mendVolumes } from "./volumes.ts";

/** A service as the Engine API shows it. */
interface Found {
	ID: string;
	Spec: ServiceSpec;
	UpdateStatus?: UpdateStatus;
}

export const swarmOf = (inputs: ServiceInputs) => dockerOnManager({ managers: managersOf(inputs), clusterId: inputs.clusterId });

/** Brings the service to the inputs and waits until all of it runs and answers. `sendLogin`: the nodes' login is new, though the spec may not be. */
export async function converge(inputs: ServiceInputs, context: Context, sendLogin: boolean, keepTasks = false): Promise<Converged> {
	const manager = swarmOf(inputs);
	const image = await withDigest(manager, inputs);
	// First: a task may not even start with such a volume.
	await mendVolumes(inputs, context);
	const pinned = { ...inputs, image };
	const found: Found | undefined = await orUndefined(manager.getService(inputs.name).inspect());
	if (!found) return converged(manager, await create(manager, pinned), { tasks: [] }, pinned, context);
	if (found.Spec.Labels?.[ownerLabel] !== inputs.owner) await refuseStranger(manager, found, pinned);
	else if (!keepTasks) return rollOut(manager, found, pinned, sendLogin, context);
	return takeOver(manager, found, pinned, context);
}

async function create(manager: Docker, inputs: ServiceInputs): Promise<string> {
	const made = (await manager.createService(inputs.registryAuth as never, serviceSpec(inputs) as never)) as unknown as {
		ID?: string;
		id?: string;
	};
	return (made.ID ?? made.id) as string;
}

/** Brings the service that exists to the spec. */
async function rollOut(manager: Docker, found: Found, inputs: ServiceInputs, sendLogin: boolean, context: Context): Promise<Converged> {
	const spec = serviceSpec(inputs, found.Spec.Mode);
	const tasks = (await tasksOf(manager, found.ID)).map(({ ID: id }) => id);
	const replaces = !covers(found.Spec.TaskTemplate, spec.TaskTemplate);
	const inOrder = inputs.rollout.order.length > 0 && isLossless(inputs) && replaces;
	const orderer = inOrder ? await findManager(inputs) : undefined;
	if (orderer) await holdLaterNodes(inputs, orderer, found.UpdateStatus?.StartedAt);
	const isUnannounced = found.Spec.TaskTemplate.ContainerSpec.StopSignal !== announcement;
	const stopClosing = isLossless(inputs) && replaces && isUnannounced && closeBeforeStops(manager, found.ID, inputs, context);
	try {
		// The same spec once more has Swarm go on with an update that it stopped.
		const isStopped = found.UpdateStatus?.State?.endsWith("paused") ?? false;
		const changed = await applySpec(manager, found.ID, spec, inputs.registryAuth, isStopped || (sendLogin && !!inputs.registryAuth));
		if (orderer) await orderEnded(inputs, orderer, context.progress);
		return await converged(manager, found.ID, { tasks, updateStatus: changed ? undefined : found.UpdateStatus }, inputs, context);
	} finally {
		if (stopClosing) await stopClosing();
	}
}

/** @throws Error unless the service may be taken over, and can be without a new task. */
async function refuseStranger(manager: Docker, found: Found, inputs: ServiceInputs): Promise<void> {
	const owner = found.Spec.Labels?.[ownerLabel];
	const named = `service.name = "${inputs.name}"`;
	if (owner) throw new Error(`${named}: the swarm has a service of this name of stack ${owner}: choose another name, or remove it`);
	if (found.ID !== inputs.adopt)
		throw new Error(
			`${named}: the swarm has a service of this name made by other means: set service.adopt to its ID, ${found.ID}, to take it over, or choose another name, or remove it`,
		);
	const elsewhere = (await runningTasks(manager, { service: [found.ID] })).filter(
		({ NodeID }) => !inputs.nodes.some(({ nodeId }) => nodeId === NodeID),
	);
	const lines = [
		...adoptionDifferences(found.Spec, inputs),
		...elsewhere.map(({ NodeID }) => `a task runs on node ${NodeID}, which is no app host that serves in the configuration`),
	];
	if (lines.length > 0)
		throw new Error(
			[`service.adopt = "${found.ID}": ${inputs.name} differs from the configuration in what would be lost, or needs new tasks:`, ...lines]
				.join("\n  ")
				.concat("\nconfigure what it has; what is to change can change once the service is taken over"),
		);
}

/** Takes the service over, or brings it, once taken over, to what needs no new task. */
async function takeOver(manager: Docker, found: Found, inputs: ServiceInputs, context: Context): Promise<Converged> {
	const spec = adoptedSpec(found.Spec, inputs);
	await applySpec(manager, found.ID, spec, inputs.registryAuth, false);
	const stillAsFound = <O extends Pick<Converged, "observed">>(outputs: O): O => {
		const observed = { ...outputs.observed, asFound: asFound(found.Spec, inputs) };
		return { ...outputs, observed };
	};
	try {
		return stillAsFound(await converged(manager, found.ID, { tasks: [], updateStatus: found.UpdateStatus }, inputs, context));
	} catch (error) {
		if (!(error instanceof PartialFailure)) throw error;
		throw new PartialFailure(error.id, stillAsFound(error.outputs as Converged), error.message);
	}
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
