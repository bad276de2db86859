import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { findNode, type Node, orUndefined, runningTasks, type Task, updateNode } from "../../lib/swarm.ts";
import { Turns } from "../../lib/turns.ts";
import { DeadlineError, until, within } from "../../lib/wait.ts";
import { type Context, defineProvider, sameValue } from "../define.ts";
import { removeOwnVolumes } from "../service/volumes.ts";
import { closedPorts, closedPortsScript } from "./ports.ts";
import type { SwarmNodeInputs, SwarmNodeOutputs } from "./resource.ts";
import { demote, OnlyManagerError, oneAtATime, promote } from "./roles.ts";

const joinDeadlineSeconds = 180;
const drainDeadlineSeconds = 120;
/** A node that is replaced may have to wait for the one before it: a machine that boots, is installed and gets its task. */
const turnDeadlineSeconds = 1200;
/** A task on a node that is back pulls its image first. */
const taskDeadlineSeconds = 600;

/** Seconds that Docker is given to get over an error of its membership by itself. */
const recoverySeconds = 75;
/** Seconds a host may take to say whether it is a node, at a refresh. */
const glanceSeconds = 20;

/** Nodes that are replaced go one at a time, so that the others serve meanwhile. */
const turns = new Turns();

/** Nodes that this `up` has found in place. A host under another name in the configuration is another resource of the same node. */
const taken = new Set<string>();

export const provider = defineProvider<SwarmNodeInputs, SwarmNodeOutputs>({
	inputs: {
		connection: "update",
		machineId: "identity",
		managers: "update",
		clusterId: "identity",
		advertiseAddress: "replace",
		role: "update",
		owner: "ignore",
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
		const manager = dockerOnManager(inputs);
		const outputs = await converge(inputs, manager, undefined, context);
		await serving(inputs, manager, outputs.nodeId, context);
		turns.comeBack(inputs.advertiseAddress);
		taken.add(outputs.nodeId);
		return { id: outputs.nodeId, outputs };
	},

	async read(_id, state) {
		const { nodeId, clusterId, labels, connection } = state;
		const manager = dockerOnManager({ managers: managersOf(state), clusterId });
		const [node, own] = await Promise.all([findNode(manager, nodeId).catch(goneWithItsSwarm), ownMembership(connection)]);
		// Where no manager knows it, or its swarm is gone, the host may still take itself for a node, and could be none of another swarm.
		if (!node && own?.NodeID !== nodeId) return undefined;
		const observed = node ? observe(node, Object.keys(labels)) : unknownToManagers;
		// A worker that leaves tells no manager: they miss its reports, after a while.
		return { nodeId, observed: own?.LocalNodeState === "inactive" ? { ...observed, state: "left" } : observed };
	},

	async update(_id, olds, news, context) {
		const { clusterId, role, connection } = news;
		// Where all managers change, those of before let the new ones in.
		const managers = managersOf(news, olds);
		const manager = dockerOnManager({ managers, clusterId, ...(role === "worker" && { leaving: connection }) });
		const outputs = await converge(news, manager, olds, context);
		// A host that had left and joined anew is another node: nobody is the old one any more.
		if (outputs.nodeId !== olds.nodeId) await remove(manager, olds.nodeId, context);
		return outputs;
	},

	async delete(resourceId, state, context) {
		const { nodeId: id, clusterId, connection, advertiseAddress } = state;
		if (taken.has(id)) return;
		const manager = dockerOnManager({ managers: managersOf(state), clusterId, leaving: connection });
		const node = await findNode(manager, id).catch(goneWithItsSwarm);
		if (!node) {
			const isMember = (await ownMembership(connection))?.NodeID === id;
			if (isMember && (await leave(connection, context))) await collectVolumes(state, context);
			return;
		}
		const isReplaced = turns.isAnnounced(resourceId);
		await turns.leave(resourceId, advertiseAddress, turnDeadlineSeconds, context.progress);
		try {
			await demote(manager, id, context);
			await drain(manager, id, context);
			const hasLeft = await leave(connection, context);
			await orUndefined(manager.getNode(id).remove({ force: true }));
			if (hasLeft) await collectVolumes(state, context);
		} catch (error) {
			turns.comeBack(advertiseAddress);
			// The last one leaves when the swarm is deleted.
			if (error instanceof OnlyManagerError && !isReplaced) return;
			throw error;
		}
	},
});

/** Joins the host unless it is a member, waits until it is ready, and sets labels and role. `olds`: what this resource was before. */
async function converge(
	inputs: SwarmNodeInputs,
	manager: Docker,
	olds: (SwarmNodeInputs & SwarmNodeOutputs) | undefined,
	context: Context,
): Promise<SwarmNodeOutputs> {
	const oldLabels = Object.keys(olds?.labels ?? {});
	const nodeId = await oneAtATime(() => member(inputs, manager, olds?.nodeId, context));
	await updateNode(manager, nodeId, (spec) => {
		const kept = Object.entries(spec.Labels ?? {}).filter(([label]) => !oldLabels.includes(label));
		return { ...spec, Availability: "active", Labels: { ...Object.fromEntries(kept), ...inputs.labels } };
	});
	await (inputs.role === "manager" ? promote : demote)(manager, nodeId, context);
	// With another role it connects anew.
	const node = await ready(manager, nodeId, context);
	return { nodeId, observed: observe(node, Object.keys(inputs.labels)) };
}

/** The ID of the host's node, once it is ready. A join that was begun anew leaves a node that nobody is: it is removed. */
async function member(inputs: SwarmNodeInputs, manager: Docker, formerId: string | undefined, context: Context): Promise<string> {
	const before = ((await manager.listNodes()) as Node[]).map(({ ID: id }) => id);
	const nodeId = (await membership(inputs, manager, formerId, context)) ?? (await join(inputs, manager, context));
	await ready(manager, nodeId, context);
	const nodes = (await manager.listNodes()) as Node[];
	const left = nodes.filter(({ ID: id, Description: found }) => id !== nodeId && !before.includes(id) && !found?.Hostname);
	for (const { ID: id } of left) await orUndefined(manager.getNode(id).remove({ force: true }));
	return nodeId;
}

async function ready(manager: Docker, nodeId: string, { progress }: Context): Promise<Node> {
	return until<Node>({ what: "node joining", deadlineSeconds: joinDeadlineSeconds, progress }, async () => {
		const node = await findNode(manager, nodeId);
		const state = node?.Status?.State ?? "not listed yet";
		return node && state === "ready" ? { done: node } : { waiting: `the manager sees it ${state}` };
	});
}

/** The node's ID if the host is in our swarm, undefined if it is in none. `formerId`: of the node of this swarm that it has been. */
async function membership(
	inputs: SwarmNodeInputs,
	manager: Docker,
	formerId: string | undefined,
	context: Context,
): Promise<string | undefined> {
	const docker = dockerOn(inputs.connection);
	const host = describeConnection(inputs.connection);
	const swarm = await settledMembership(docker, context);
	if (!swarm || swarm.LocalNodeState === "inactive") return undefined;
	const remedy = `run "docker swarm leave --force" there, or take the host out of the configuration`;
	if (swarm.LocalNodeState === "error") {
		if (!formerId) throw new Error(`${host} is in a swarm that it cannot take part in (${swarm.Error}): ${remedy}`);
		// Docker tries for ever, for instance to become a manager by way of one that is none any more. The swarm itself is well: a manager has just told of it.
		context.note(`cannot take part in the swarm (${swarm.Error}): it leaves, and joins anew`);
		await docker.swarmLeave({ force: true });
		return undefined;
	}
	const nodeId = swarm.LocalNodeState === "pending" ? await joined(docker, context) : swarm.NodeID;
	if (nodeId && (await findNode(manager, nodeId))) return nodeId;
	if (nodeId && nodeId === formerId) {
		context.note("no manager knows it any more: it leaves, and joins anew");
		await docker.swarmLeave({ force: true });
		return undefined;
	}
	throw new Error(`${host} is in another swarm (${swarm.LocalNodeState}): ${remedy}`);
}

/** What Docker says of its membership, after the time that it may need to get over an error: it connects anew every half a minute. */
async function settledMembership(docker: Docker, { progress }: Context) {
	const look = async () => (await docker.info()).Swarm;
	const options = { what: "the host's own membership", deadlineSeconds: recoverySeconds, progress };
	const settled = until(options, async () => {
		const swarm = await look();
		return swarm?.LocalNodeState === "error" ? { waiting: `it cannot take part in the swarm: ${swarm.Error}` } : { done: swarm };
	});
	return settled.catch((error) => {
		if (error instanceof DeadlineError) return look();
		throw error;
	});
}

/** What the host says of itself. Undefined where it cannot be asked. */
async function ownMembership(connection: Connection) {
	try {
		return (await within(`Docker on ${describeConnection(connection)}`, glanceSeconds, dockerOn(connection).info())).Swarm;
	} catch {
		return undefined;
	}
}

async function join(inputs: SwarmNodeInputs, manager: Docker, context: Context): Promise<string> {
	context.progress(`joining the swarm as ${inputs.role}`);
	const { JoinTokens: tokens } = await manager.swarmInspect();
	const nodes = (await manager.listNodes()) as Node[];
	const docker = dockerOn(inputs.connection);
	const managers = reachableManagers(nodes);
	const problem = closedPorts(await execAsRoot(inputs.connection, closedPortsScript(managers)), context.name);
	if (problem) throw new Error(problem);
	try {
		await docker.swarmJoin({
			ListenAddr: "0.0.0.0:2377",
			AdvertiseAddr: inputs.advertiseAddress,
			RemoteAddrs: managers,
			JoinToken: inputs.role === "manager" ? tokens.Manager : tokens.Worker,
		});
	} catch (error) {
		// On a slow host Docker stops waiting after twenty seconds, but not joining.
		if (!/continue in the background/.test((error as Error).message)) throw error;
	}
	return joined(docker, context);
}

/** Addresses to join at, with port, the leader's first: Docker takes the first one. */
function reachableManagers(nodes: Node[]): string[] {
	const managers = nodes.filter(({ ManagerStatus: manager }) => manager?.Addr && manager.Reachability === "reachable");
	return managers
		.toSorted((a, b) => Number(b.ManagerStatus?.Leader ?? false) - Number(a.ManagerStatus?.Leader ?? false))
		.map(({ ManagerStatus: manager }) => manager?.Addr as string);
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
async function serving({ labels }: SwarmNodeInputs, manager: Docker, nodeId: string, { progress }: Context): Promise<void> {
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
		// What ran on a lost host is said to run for a day.
		if ((await findNode(manager, id))?.Status?.State === "down") return { done: undefined };
		const left = await runningTasks(manager, { node: [id] });
		return left.length === 0 ? { done: undefined } : { waiting: `${left.length} tasks still run` };
	});
}

/** Whether the host could be told. */
async function leave(connection: Connection, { progress }: Context): Promise<boolean> {
	try {
		await dockerOn(connection).swarmLeave({ force: true });
		return true;
	} catch (error) {
		// A lost host cannot say goodbye; the manager removes it all the same.
		progress(`did not leave by itself: ${(error as Error).message}`);
		return false;
	}
}

/** On a machine that stays they would outlive the node, with options that fit no longer. What the host does not tell is left there. */
async function collectVolumes({ connection, owner }: SwarmNodeInputs, { progress, note }: Context): Promise<void> {
	if (!owner) return;
	try {
		await removeOwnVolumes(dockerOn(connection), owner, (volume) => progress(`removing volume ${volume}`));
	} catch (error) {
		note(`its volumes are left: ${(error as Error).message}`);
	}
}

/** Takes a node off the list that nobody is any more. */
async function remove(manager: Docker, id: string, context: Context): Promise<void> {
	if (!(await findNode(manager, id))) return;
	await demote(manager, id, context);
	await orUndefined(manager.getNode(id).remove({ force: true }));
}

const unknownToManagers: SwarmNodeOutputs["observed"] = {
	role: "unknown",
	availability: "unknown",
	state: "not known to the managers",
	labels: {},
};

/** `labels`: the names this resource owns. */
function observe(node: Node, labels: string[]): SwarmNodeOutputs["observed"] {
	const own = Object.entries(node.Spec?.Labels ?? {}).filter(([label]) => labels.includes(label));
	const state = node.Status?.State ?? "unknown";
	// A manager that is back is of use only when the others reach it.
	const isCutOff = state === "ready" && (node.ManagerStatus?.Reachability ?? "reachable") !== "reachable";
	return {
		role: node.Spec?.Role ?? "unknown",
		availability: node.Spec?.Availability ?? "unknown",
		state: isCutOff ? "not reached by the other managers" : state,
		labels: Object.fromEntries(own),
	};
}
