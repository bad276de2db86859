import { withoutTag } from "../../lib/imageReference.ts";
import { orUndefined, type Task } from "../../lib/swarm.ts";
import { differences, sameTask } from "./compare.ts";
import type { Means } from "./means.ts";
import { type Facts, type Found, isStopped, isUpdating, shutNodes, silentTasks } from "./plan.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { lookAtNodes, type NodeLook, whySilent } from "./serving.ts";
import { serviceSpec } from "./spec.ts";
import { isRunning, tasksOf } from "./tasks.ts";
import { wrongVolumes } from "./volumes.ts";

/*
 * What there is: everything that a plan is made from, and what a refresh tells of it.
 */

type Observed = ServiceOutputs["observed"];

/** All that a plan needs to know. `key`: the service's ID or name. */
export async function lookAtService(key: string, inputs: ServiceInputs, means: Means): Promise<Facts> {
	const { swarm } = means;
	// All hosts are dialled at once: a connection takes longer than what is asked over it.
	const [service, volumes, nodes] = await Promise.all([
		orUndefined(swarm.getService(key).inspect()) as Promise<Found | undefined>,
		wrongVolumes(inputs, means),
		swarm.listNodes(),
	]);
	if (!service) return { tasks: [], nodes: [], volumes, looks: [] };
	// While Swarm replaces tasks, nodes do not serve in their turn.
	const isAsked = !isUpdating(service.UpdateStatus) && inputs.publish.mode === "host";
	const [tasks, looks] = await Promise.all([tasksOf(swarm, service.ID), isAsked ? lookAtNodes(inputs.nodes, inputs, means) : []]);
	return { service, tasks, nodes, volumes, looks: await closerLooks(looks, tasks, inputs, means) };
}

/** The same, with whether a silent node's task has no published port. */
async function closerLooks(looks: NodeLook[], tasks: Task[], inputs: ServiceInputs, means: Means): Promise<NodeLook[]> {
	const silent = silentTasks(tasks, looks, inputs);
	const looked = silent.map(async ({ look, container }) => ({
		...look,
		isUnpublished: await isUnpublished(look, container, inputs, means),
	}));
	const closer = await Promise.all(looked);
	return looks.map((look) => closer.find(({ node }) => node === look.node) ?? look);
}

/** Whether the container runs without its published port, as one may that Docker started while it was itself starting. */
async function isUnpublished({ node: name }: NodeLook, container: string, { nodes, publish }: ServiceInputs, { dockerOn }: Means) {
	const node = nodes.find((candidate) => candidate.name === name);
	if (!node || !container) return false;
	// A node that does not tell has told nothing.
	const found = await orUndefined(dockerOn(node.connection).getContainer(container).inspect()).catch(() => undefined);
	const ports = found?.NetworkSettings?.Ports as Record<string, object[] | null> | undefined;
	return found !== undefined && !ports?.[`${publish.target}/tcp`]?.length;
}

/**
 * What a refresh tells; undefined when the service is gone. `differs` names what is not as configured, without values. `asFound`: what is still as it
 * was when the service was taken over, see adoption.ts.
 */
export async function observe(key: string, inputs: ServiceInputs, means: Means, asFound: string[] = []): Promise<Observed | undefined> {
	const facts = await lookAtService(key, inputs, means);
	return facts.service && observed(facts.service, facts, inputs, asFound);
}

const imagePath = "TaskTemplate.ContainerSpec.Image";

/** The same of facts. Pure. */
export function observed(service: Found, { tasks, looks, volumes }: Facts, inputs: ServiceInputs, asFound: string[] = []): Observed {
	const { Spec: spec, UpdateStatus: status } = service;
	const changed = differences(spec, serviceSpec(inputs, spec.Mode)).filter((path) => !asFound.includes(path));
	const isWanted = ({ NodeID: id }: Task) => inputs.publish.mode !== "host" || inputs.nodes.some(({ nodeId }) => nodeId === id);
	return {
		image: asFound.includes(imagePath) ? inputs.image : withoutTag(spec.TaskTemplate.ContainerSpec.Image),
		running: tasks.filter((task) => isRunning(task) && isWanted(task) && sameTask(task.Spec, spec.TaskTemplate)).length,
		differs: [
			...changed,
			...(isStopped(status) ? [`UpdateStatus: ${status?.State}`] : []),
			...[...silentTasks(tasks, looks, inputs).map(({ look }) => look), ...shutNodes(service, tasks, looks, inputs)].map(whySilent),
			...volumes.map(({ description }) => description),
		],
		...(asFound.length > 0 && { asFound }),
	};
}
