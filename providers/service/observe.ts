import { withoutTag } from "../../lib/imageReference.ts";
import { findService, orUndefined, type Task } from "../../lib/swarm.ts";
import { differences, sameTask } from "./compare.ts";
import type { Means } from "./means.ts";
import { type Facts, type Found, isStopped, isUpdating, shutNodes, silentTasks } from "./plan.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { checkNodes, type NodeCheck, whySilent } from "./serving.ts";
import { serviceSpec } from "./spec.ts";
import { isRunning, tasksOf } from "./tasks.ts";
import { wrongVolumes } from "./volumes.ts";

/*
 * Observes what exists: the facts that a plan is made from, and what a refresh reports of them.
 */

type Observed = ServiceOutputs["observed"];

/** All facts that a plan needs. `key`: the service's ID or name. */
export async function gatherFacts(key: string, inputs: ServiceInputs, means: Means): Promise<Facts> {
	const { swarm } = means;
	// All hosts are contacted at once: a connection takes longer than the question asked over it.
	const [service, volumes, nodes] = await Promise.all([findService<Found>(swarm, key), wrongVolumes(inputs, means), swarm.listNodes()]);
	if (!service) return { tasks: [], nodes: [], volumes, checks: [] };
	// While Swarm replaces tasks, it is normal that one node after another does not serve.
	const isAsked = !isUpdating(service.UpdateStatus) && inputs.publish.mode === "host";
	const [tasks, checks] = await Promise.all([tasksOf(swarm, service.ID), isAsked ? checkNodes(inputs.nodes, inputs, means) : []]);
	return { service, tasks, nodes, volumes, checks: await closerChecks(checks, tasks, inputs, means) };
}

/** Adds to the checks of silent nodes whether the task lacks its published port. */
async function closerChecks(checks: NodeCheck[], tasks: Task[], inputs: ServiceInputs, means: Means): Promise<NodeCheck[]> {
	const silent = silentTasks(tasks, checks, inputs);
	const checked = silent.map(async ({ check, container }) => ({
		...check,
		isUnpublished: await isUnpublished(check, container, inputs, means),
	}));
	const closer = await Promise.all(checked);
	return checks.map((check) => closer.find(({ node }) => node === check.node) ?? check);
}

/** Whether the container runs without its published port. That can happen if Docker started it while Docker itself was starting. */
async function isUnpublished({ node: name }: NodeCheck, container: string, { nodes, publish }: ServiceInputs, { dockerOn }: Means) {
	const node = nodes.find((candidate) => candidate.name === name);
	if (!node || !container) return false;
	// A node that does not answer proves nothing.
	const found = await orUndefined(dockerOn(node.connection).getContainer(container).inspect()).catch(() => undefined);
	const ports = found?.NetworkSettings?.Ports as Record<string, object[] | null> | undefined;
	return found !== undefined && !ports?.[`${publish.target}/tcp`]?.length;
}

/**
 * What a refresh reports; undefined when the service is gone. `differs` names what is not as configured, without values. `inherited`: what is still as
 * it was when the service was taken over, see adoption.ts.
 */
export async function observe(key: string, inputs: ServiceInputs, means: Means, inherited: string[] = []): Promise<Observed | undefined> {
	const facts = await gatherFacts(key, inputs, means);
	return facts.service && observed(facts.service, facts, inputs, inherited);
}

const imagePath = "TaskTemplate.ContainerSpec.Image";

/** The same, from facts already gathered. Pure. */
export function observed(service: Found, { tasks, checks, volumes }: Facts, inputs: ServiceInputs, inherited: string[] = []): Observed {
	const { Spec: spec, UpdateStatus: status } = service;
	const changed = differences(spec, serviceSpec(inputs, spec.Mode)).filter((path) => !inherited.includes(path));
	const isWanted = ({ NodeID: id }: Task) => inputs.publish.mode !== "host" || inputs.nodes.some(({ nodeId }) => nodeId === id);
	return {
		image: inherited.includes(imagePath) ? inputs.image : withoutTag(spec.TaskTemplate.ContainerSpec.Image),
		running: tasks.filter((task) => isRunning(task) && isWanted(task) && sameTask(task.Spec, spec.TaskTemplate)).length,
		differs: [
			...changed,
			...(isStopped(status) ? [`UpdateStatus: ${status?.State}`] : []),
			...[...silentTasks(tasks, checks, inputs).map(({ check }) => check), ...shutNodes(service, tasks, checks, inputs)].map(whySilent),
			...volumes.map(({ description }) => description),
		],
		...(inherited.length > 0 && { inherited }),
	};
}
