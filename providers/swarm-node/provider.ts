import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { findNode, type Node, orUndefined, runningTasks, type Task, updateNode } from "../../lib/swarm.ts";
import { Turns } from "../../lib/turns.ts";
import { until } from "../../lib/wait.ts";
import { type Context, defineProvider, sameValue } from "../define.ts";
import type { SwarmNodeInputs, SwarmNodeOutputs } from "./resource.ts";

const joinDeadlineSeconds = 180;
const drainDeadlineSeconds = 120;
/** A node that is replaced may have to wait for the one before it: a machine that boots, is installed and gets its task. */
const turnDeadlineSeconds = 1200;
/** A task on a node that is back pulls its image first. */
const taskDeadlineSeconds = 600;

/** Nodes that are replaced go one at a time, so that the others serve meanwhile. */
const turns = new Turns();

export const provider = defineProvider<SwarmNodeInputs, SwarmNodeOutputs>({
	inputs: {
		connection: "update",
		machineId: "identity",
		manager: "update",
		managerAddress: "ignore",
		clusterId: "identity",
		advertiseAddress: "replace",
		role: "update",
		labels: "update",
	},
	deleteBeforeReplace: true,
	drift: ({ observed, role, labels }) => {
		const expected = { role, availability: "active", state: "ready", labels };
		return sameValue(observed, expected) ? [] : ["observed"];
	},

	// A swarm that is made anew has no node left to serve in the meantime.
	willReplace: (id, causes) => causes.includes("clusterId") || turns.announce(id),

	async create(inputs, context) {
		const outputs = await converge(inputs, [], context);
		await serving(inputs, outputs.nodeId, context);
		turns.comeBack(inputs.advertiseAddress);
		return { id: outputs.nodeId, outputs };
	},

	async read(_id, state) {
		const { nodeId } = state;
		const node = await findNode(dockerOn(state.manager), nodeId);
		return node ? { nodeId, observed: observe(node, Object.keys(state.labels)) } : undefined;
	},

	async update(_id, olds, news, context) {
		const outputs = await converge(news, Object.keys(olds.labels), context);
		// A host that had left and joined anew is another node: nobody is the old one any more.
		if (outputs.nodeId !== olds.nodeId) await orUndefined(dockerOn(news.manager).getNode(olds.nodeId).remove({ force: true }));
		return outputs;
	},

	async delete(resourceId, state, context) {
		const id = state.nodeId;
		const manager = dockerOn(state.manager);
		const node = await findNode(manager, id);
		if (!node) return;
		// The manager that is asked cannot remove itself: it leaves when the swarm is deleted.
		if ((await manager.info()).Swarm?.NodeID === id) return;
		await turns.leave(resourceId, state.advertiseAddress, turnDeadlineSeconds, context.progress);
		await drain(manager, id, context);
		if (node.Spec?.Role === "manager") await updateNode(manager, id, (spec) => ({ ...spec, Role: "worker" }));
		await leave(state.connection, context);
		await manager.getNode(id).remove({ force: true });
	},
});

/** Joins the host unless it is a member, waits until it is ready, and sets role and labels. */
async function converge(inputs: SwarmNodeInputs, oldLabels: string[], context: Context): Promise<SwarmNodeOutputs> {
	const manager = dockerOn(inputs.manager);
	const nodeId = await oneAtATime(() => member(inputs, manager, context));
	await updateNode(manager, nodeId, (spec) => {
		const kept = Object.entries(spec.Labels ?? {}).filter(([label]) => !oldLabels.includes(label));
		return { ...spec, Role: inputs.role, Availability: "active", Labels: { ...Object.fromEntries(kept), ...inputs.labels } };
	});
	const node = (await findNode(manager, nodeId)) as Node;
	return { nodeId, observed: observe(node, Object.keys(inputs.labels)) };
}

let joining: Promise<unknown> = Promise.resolve();

/** A busy manager issues a certificate so late that a join is begun anew; one host after another it is quicker, and what a join leaves is known. */
function oneAtATime<T>(step: () => Promise<T>): Promise<T> {
	const result = joining.then(step);
	joining = result.catch(() => {});
	return result;
}

/** The ID of the host's node, once it is ready. A join that was begun anew leaves a node that nobody is: it is removed. */
async function member(inputs: SwarmNodeInputs, manager: Docker, context: Context): Promise<string> {
	const before = ((await manager.listNodes()) as Node[]).map(({ ID: id }) => id);
	const nodeId = (await membership(inputs, manager, context)) ?? (await join(inputs, manager, context));
	await until({ what: "node joining", deadlineSeconds: joinDeadlineSeconds, progress: context.progress }, async () => {
		const state = (await findNode(manager, nodeId))?.Status?.State ?? "not listed yet";
		return state === "ready" ? { done: undefined } : { waiting: `the manager sees it ${state}` };
	});
	const nodes = (await manager.listNodes()) as Node[];
	const left = nodes.filter(({ ID: id, Description: found }) => id !== nodeId && !before.includes(id) && !found?.Hostname);
	for (const { ID: id } of left) await orUndefined(manager.getNode(id).remove({ force: true }));
	return nodeId;
}

/** The node's ID if the host is in our swarm, undefined if it is in none. */
async function membership(inputs: SwarmNodeInputs, manager: Docker, context: Context): Promise<string | undefined> {
	const docker = dockerOn(inputs.connection);
	const { Swarm: swarm } = await docker.info();
	if (!swarm || swarm.LocalNodeState === "inactive") return undefined;
	const nodeId = swarm.LocalNodeState === "pending" ? await joined(docker, context) : swarm.NodeID;
	if (nodeId && (await findNode(manager, nodeId))) return nodeId;
	const host = describeConnection(inputs.connection);
	throw new Error(
		`${host} is in another swarm (${swarm.LocalNodeState}): run "docker swarm leave --force" there, or take the host out of the configuration`,
	);
}

async function join(inputs: SwarmNodeInputs, manager: Docker, context: Context): Promise<string> {
	context.progress(`joining the swarm as ${inputs.role}`);
	const { JoinTokens: tokens } = await manager.swarmInspect();
	const docker = dockerOn(inputs.connection);
	try {
		await docker.swarmJoin({
			ListenAddr: "0.0.0.0:2377",
			AdvertiseAddr: inputs.advertiseAddress,
			RemoteAddrs: [inputs.managerAddress],
			JoinToken: inputs.role === "manager" ? tokens.Manager : tokens.Worker,
		});
	} catch (error) {
		// On a slow host Docker stops waiting after twenty seconds, but not joining.
		if (!/continue in the background/.test((error as Error).message)) throw error;
	}
	return joined(docker, context);
}

/** Waits until the host has become a node, and returns the node's ID. */
async function joined(docker: Docker, { progress }: Context): Promise<string> {
	return until({ what: "node joining", deadlineSeconds: joinDeadlineSeconds, progress }, async () => {
		const { Swarm: swarm } = await docker.info();
		if (swarm?.LocalNodeState === "error") throw new Error(`the host cannot join the swarm: ${swarm.Error}`);
		const isNode = swarm?.LocalNodeState === "active" && swarm.NodeID;
		return isNode ? { done: swarm.NodeID } : { waiting: `its own state is ${swarm?.LocalNodeState ?? "unknown"}` };
	});
}

/** Waits until the node runs the services that its labels bind to it: only then may the next node go. */
async function serving({ manager: connection, labels }: SwarmNodeInputs, nodeId: string, { progress }: Context): Promise<void> {
	const manager = dockerOn(connection);
	const bound = Object.entries(labels).map(([label, value]) => `node.labels.${label}==${value}`);
	const isBound = ({ Spec: spec }: Docker.Service) =>
		spec?.Mode?.Global && spec.TaskTemplate?.Placement?.Constraints?.some((constraint) => bound.includes(constraint));
	const services = (await manager.listServices()).filter(isBound);
	await until({ what: "services on the node", deadlineSeconds: taskDeadlineSeconds, progress }, async () => {
		const tasks = (await manager.listTasks({ filters: JSON.stringify({ node: [nodeId] }) as never })) as Task[];
		const runs = (id: string) =>
			tasks.some((task) => task.ServiceID === id && task.DesiredState === "running" && task.Status.State === "running");
		const missing = services.filter(({ ID: id }) => !runs(id)).map(({ Spec: spec }) => spec?.Name);
		return missing.length === 0 ? { done: undefined } : { waiting: `no running task of ${missing.join(", ")} yet` };
	});
}

async function drain(manager: Docker, id: string, { progress }: Context): Promise<void> {
	await updateNode(manager, id, (spec) => ({ ...spec, Availability: "drain" }));
	await until({ what: "draining", deadlineSeconds: drainDeadlineSeconds, progress }, async () => {
		const left = await runningTasks(manager, { node: [id] });
		return left.length === 0 ? { done: undefined } : { waiting: `${left.length} tasks still run` };
	});
}

async function leave(connection: Connection, { progress }: Context): Promise<void> {
	try {
		await dockerOn(connection).swarmLeave({ force: true });
	} catch (error) {
		// A lost host cannot say goodbye; the manager removes it all the same.
		progress(`did not leave by itself: ${(error as Error).message}`);
	}
}

/** `labels`: the names this resource owns. */
function observe(node: Node, labels: string[]): SwarmNodeOutputs["observed"] {
	const own = Object.entries(node.Spec?.Labels ?? {}).filter(([label]) => labels.includes(label));
	return {
		role: node.Spec?.Role ?? "unknown",
		availability: node.Spec?.Availability ?? "unknown",
		state: node.Status?.State ?? "unknown",
		labels: Object.fromEntries(own),
	};
}
