import type Docker from "dockerode";
import { scriptText } from "../../host/kit.ts";
import type { Connection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { OneAtATime } from "../../lib/oneAtATime.ts";
import { execAsRoot, isUnreachable } from "../../lib/ssh.ts";
import { findNode, findService, orUndefined, runningTasks, updateNode } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import { type Context, defineProvider, sameValue } from "../define.ts";
import type { ExportMount, NodeLabelInputs, NodeLabelOutputs } from "./resource.ts";

/*
 * The engine creates a label before it updates the service, and deletes one at the end of an `up`. So a node gets its task before the load balancer
 * learns of the node, and loses it after the load balancer has stopped using the node.
 */

/** Seconds, beyond a task's own limits, until a manager reports that it has stopped. */
const marginSeconds = 60;
/** A node that is replaced may have to wait for the previous one: for its machine to boot, be installed and get its task. */
const turnDeadlineSeconds = 1200;
/** On a replaced node a task first pulls its image. */
const taskDeadlineSeconds = 600;

/** A replaced node stops serving when it loses its label, until it has it back. One node at a time, so that the others serve meanwhile. */
const absences = new OneAtATime();

/** Labels that are deleted because their swarm is: nothing needs to serve meanwhile. */
const endingWithSwarm = new Set<string>();

/** Labels that this `up` has set. A host renamed in the configuration is another resource for the same label. */
const taken = new Set<string>();

/** The managers of this `up`, by swarm. A deleted resource may only know hosts that are no longer managers. */
const present = new Map<string, Connection[]>();

export const provider = defineProvider<NodeLabelInputs, NodeLabelOutputs>({
	inputs: {
		managers: "update",
		clusterId: "identity",
		connection: "update",
		node: "identity",
		nodeId: "update",
		address: "ignore",
		label: "replace",
		value: "update",
		service: "update",
		stopSeconds: "update",
		mount: "update",
	},
	deleteBeforeReplace: true,
	drift: ({ observed, label, value }) => (sameValue(observed, { [label]: value }) ? [] : ["observed"]),

	willReplace: (id, causes) => (causes.includes("clusterId") ? void endingWithSwarm.add(id) : absences.announce(id)),

	async create(inputs, context) {
		const manager = dockerOnManager(inputs);
		await canWrite(inputs);
		const outputs = await set(inputs, manager);
		if (absences.isAway(inputs.address, inputs.label)) await serving(inputs, manager, context);
		absences.comeBack(inputs.address, inputs.label);
		taken.add(keyOf(inputs));
		return { id: idOf(inputs), outputs };
	},

	async read(_id, state) {
		const { nodeId, label, clusterId } = state;
		const node = await findNode(dockerOnManager({ managers: managersOf(state), clusterId }), nodeId).catch(goneWithItsSwarm);
		if (!node) return undefined;
		const value = node.Spec?.Labels?.[label];
		return { observed: value === undefined ? {} : { [label]: value } };
	},

	async update(_id, olds, news) {
		if (!sameValue(olds.mount, news.mount)) await canWrite(news);
		const outputs = await set(news, dockerOnManager({ managers: managersOf(news, olds), clusterId: news.clusterId }));
		taken.add(keyOf(news));
		return outputs;
	},

	async delete(id, state, context) {
		const { nodeId, clusterId, label, value, address } = state;
		if (endingWithSwarm.has(id) || taken.has(keyOf(state))) return;
		const manager = dockerOnManager({ managers: [...managersOf(state), ...(present.get(clusterId) ?? [])], clusterId });
		if (!(await findNode(manager, nodeId).catch(goneWithItsSwarm))) return;
		await absences.leave(id, address, label, turnDeadlineSeconds, context.progress);
		try {
			await updateNode(manager, nodeId, ({ Labels: { [label]: found, ...others } = {}, ...spec }) => ({
				...spec,
				// With another value the label is not ours.
				Labels: found === undefined || found === value ? others : { ...others, [label]: found },
			}));
			await stopped(state, manager, context);
		} catch (error) {
			absences.comeBack(address, label);
			throw error;
		}
	},
});

const idOf = ({ nodeId, label }: Pick<NodeLabelInputs, "nodeId" | "label">) => `${nodeId}/${label}`;

const keyOf = (inputs: NodeLabelInputs) => `${inputs.clusterId} ${idOf(inputs)}`;

/** Sets the label; the node's other labels stay. */
async function set({ managers, clusterId, nodeId, label, value }: NodeLabelInputs, manager: Docker): Promise<NodeLabelOutputs> {
	present.set(clusterId, managers);
	await updateNode(manager, nodeId, (spec) => ({ ...spec, Labels: { ...spec.Labels, [label]: value } }));
	return { observed: { [label]: value } };
}

/** Seconds for the checks of host/steps/nfs/probe.sh at their slowest, plus a margin. */
const probeDeadlineSeconds = 300;

/**
 * Mounts the export on the node for a moment, and writes to it: a service that mounts a dead export hangs for half an hour.
 * @throws Error that says what fails.
 */
async function canWrite({ connection, address, mount }: NodeLabelInputs): Promise<void> {
	if (mount) await execAsRoot(connection, probeScript(address, mount), { deadlineSeconds: probeDeadlineSeconds });
}

/** Pure. */
export function probeScript(client: string, { server, path, options }: ExportMount): string {
	// The server's address is an option of the volume driver.
	return scriptText("nfs/probe", { server, path, client, options: options.replace(/(^|,)addr=[^,]*/, "").replace(/^,/, "") });
}

/** Waits until the node runs the service, if that exists: only then may the next node be replaced. */
async function serving({ nodeId, service }: NodeLabelInputs, manager: Docker, { progress }: Context): Promise<void> {
	await until({ what: `task of ${service} on the node`, deadlineSeconds: taskDeadlineSeconds, progress }, async () => {
		const found = await findService<{ ID: string; Spec: { Mode?: { Global?: object } } }>(manager, service);
		// With the routing mesh no task has to be on this node.
		if (!found?.Spec?.Mode?.Global) return { done: undefined };
		const tasks = await runningTasks(manager, { node: [nodeId], service: [service] });
		const runs = tasks.some(({ DesiredState: desired, Status: { State: state } }) => desired === "running" && state === "running");
		return runs ? { done: undefined } : { waiting: "none runs yet" };
	});
}

/**
 * Waits until no container of the service is left on the node. Only the node's own Docker knows: for the managers the task counts as rejected as soon
 * as the label is gone (swarmkit's constraint enforcer), while its container still serves, drains and stops.
 */
async function stopped({ connection, nodeId, service, stopSeconds }: NodeLabelInputs, manager: Docker, { progress }: Context) {
	const filters = { label: [`com.docker.swarm.service.name=${service}`] };
	const look = async () => {
		const node = await findNode(manager, nodeId);
		if (!node || node.Status?.State === "down") return 0;
		const tasks = await orUndefined(runningTasks(manager, { node: [nodeId], service: [service] }));
		// If the service is gone, whoever removed it has waited for its tasks.
		if (!tasks) return 0;
		return Math.max(tasks.length, (await dockerOn(connection).listContainers({ filters })).length);
	};
	await until({ what: `tasks of ${service} stopping`, deadlineSeconds: stopSeconds + marginSeconds, progress }, async () => {
		try {
			const left = await look();
			return left === 0 ? { done: undefined } : { waiting: `${left} left on the node: it serves until its turn, then its requests end` };
		} catch (error) {
			if (!isUnreachable(error)) throw error;
			return { waiting: `cannot be seen now: ${error.message}` };
		}
	});
}
