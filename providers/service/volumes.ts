import type Docker from "dockerode";
import { isUnreachable } from "../../lib/ssh.ts";
import { orUndefined, ownerLabel, runningTasks, serviceLabel, updateNode } from "../../lib/swarm.ts";
import { DeadlineError, until, within } from "../../lib/wait.ts";
import { sameValue } from "../define.ts";
import type { Means } from "./means.ts";
import { convergeSeconds } from "./pace.ts";
import type { ServiceInputs, ServiceNode } from "./resource.ts";
import { stopSeconds, volumeOptions } from "./spec.ts";

/**
 * Removes the service's volumes from every node, except the one named `keep`: a volume outlives its service and keeps its old options.
 * Only volumes with the stack's label and without another service's are touched. A volume that a container still uses is left for the next time.
 */
export async function removeVolumes(
	inputs: Pick<ServiceInputs, "name" | "nodes" | "owner">,
	{ progress, dockerOn }: Pick<Means, "progress" | "dockerOn">,
	keep?: string,
): Promise<void> {
	const removeOn = async ({ name, connection }: ServiceNode) => {
		const docker = dockerOn(connection);
		await docker.pruneContainers({ filters: containersOf(inputs) });
		await removeOwnVolumes(docker, inputs, (volume) => progress(`removing volume ${volume} from ${name}`), keep);
	};
	await Promise.all(inputs.nodes.map(removeOn));
}

/**
 * Removes a stack's volumes from one host, except the one named `keep`; with a service's name only that service's. Announces each one first. A volume in
 * use is left.
 */
export async function removeOwnVolumes(
	docker: Docker,
	{ owner, name: service }: { owner: string; name?: string },
	say: (volume: string) => void,
	keep?: string,
): Promise<void> {
	const { Volumes: volumes } = await docker.listVolumes({ filters: { label: [`${ownerLabel}=${owner}`] } });
	for (const { Name: name, Labels: labels } of volumes ?? []) {
		const of = labels?.[serviceLabel];
		if (name === keep || (service !== undefined && of !== undefined && of !== service)) continue;
		say(name);
		// Containers of ended tasks hold their volume, too.
		const filters = { volume: [name], status: ["created", "exited", "dead"], label: ["com.docker.swarm.task.id"] };
		for (const { Id: id } of await docker.listContainers({ all: true, filters })) await orUndefined(docker.getContainer(id).remove());
		await orUndefined(docker.getVolume(name).remove()).catch((error) => {
			if ((error as { statusCode?: number }).statusCode !== 409) throw error;
		});
	}
}

/** Leaves out nodes that do not answer if this stack creates their machines: such a machine may be lost, or recreated and empty. */
export async function withoutSilent(nodes: ServiceNode[], { note, dockerOn }: Pick<Means, "note" | "dockerOn">): Promise<ServiceNode[]> {
	const answering = async (node: ServiceNode) => {
		try {
			await dockerOn(node.connection).ping();
			return [node];
		} catch (error) {
			if (!node.isMade || !isUnreachable(error)) throw error;
			note(`${error.message}: what is left on ${node.name} is not removed`);
			return [];
		}
	};
	return (await Promise.all(nodes.map(answering))).flat();
}

const containersOf = ({ name }: Pick<ServiceInputs, "name">) => ({ label: [`com.docker.swarm.service.name=${name}`] });

/** A node's volume with the configured name but other options. Docker uses an existing volume, whatever options are requested. */
export interface WrongVolume {
	node: ServiceNode;
	/** It has the stack's label. */
	isOwn: boolean;
	/** The volume as it is: `volume nfsvolume-0f3a of worker1 has o=addr=…`. */
	description: string;
}

/** Seconds a node may take to describe its volume. Docker waits for the NFS server, whose absence may be just what a refresh is to detect. */
const glanceSeconds = 30;

/** Asks all nodes at once. A node that does not answer is left out, with a remark. */
export async function wrongVolumes(
	{ mount, nodes, owner }: ServiceInputs,
	{ note, dockerOn }: Pick<Means, "note" | "dockerOn">,
): Promise<WrongVolume[]> {
	if (mount.type !== "volume") return [];
	const wanted = volumeOptions(mount);
	const checkOne = async (node: ServiceNode): Promise<WrongVolume[]> => {
		const inspected = dockerOn(node.connection).getVolume(mount.name).inspect();
		const volume = await within(`volume ${mount.name} of ${node.name}`, glanceSeconds, orUndefined(inspected));
		if (!volume || sameValue(volume.Options, wanted)) return [];
		const options = Object.entries(volume.Options ?? {}).map(([key, value]) => `${key}=${value}`);
		const description = `volume ${mount.name} of ${node.name} has ${options.join(" ") || "no options"}`;
		return [{ node, isOwn: volume.Labels?.[ownerLabel] === owner, description }];
	};
	const checks = nodes.map((node) =>
		checkOne(node).catch((error) => {
			if (!isUnreachable(error) && !(error instanceof DeadlineError)) throw error;
			note(`${error.message}: its volume cannot be looked at now`);
			return [];
		}),
	);
	return (await Promise.all(checks)).flat();
}

/** Whether a line describes such a volume. */
export const saysVolume = (line: string): boolean => line.startsWith("volume ");

/**
 * Recreates a node's volume. The node loses its label, so its task is drained and stops; when the volume is removed, the node gets both back.
 * If a task ran before, waits until one runs again, so that the next node may follow.
 */
export async function remakeVolume(inputs: ServiceInputs, node: ServiceNode, means: Means): Promise<void> {
	const { swarm, progress, clock } = means;
	const docker = means.dockerOn(node.connection);
	const [label = "", value = ""] = inputs.placement;
	const runs = async () => {
		const tasks = await runningTasks(swarm, { node: [node.nodeId], service: [inputs.name] });
		return tasks.some(({ Status: { State: state } }) => state === "running");
	};
	const hasRun = await runs();
	await updateNode(swarm, node.nodeId, ({ Labels: { [label]: _, ...others } = {}, ...spec }) => ({ ...spec, Labels: others }));
	try {
		const stopping = { what: `task of ${node.name} stopping`, deadlineSeconds: stopSeconds(inputs) + 120, progress, clock };
		await until(stopping, async () => {
			const left = await docker.listContainers({ filters: containersOf(inputs) });
			return left.length === 0 ? { done: undefined } : { waiting: `${left.length} containers run` };
		});
		await docker.pruneContainers({ filters: containersOf(inputs) });
		if (inputs.mount.type === "volume") await orUndefined(docker.getVolume(inputs.mount.name).remove());
	} finally {
		await updateNode(swarm, node.nodeId, (spec) => ({ ...spec, Labels: { ...spec.Labels, [label]: value } }));
	}
	if (!hasRun || inputs.publish.mode !== "host") return;
	const starting = { what: `task of ${node.name} starting`, deadlineSeconds: convergeSeconds(inputs), progress, clock };
	await until(starting, async () => ((await runs()) ? { done: undefined } : { waiting: "it does not run yet" }));
}
