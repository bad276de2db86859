import type Docker from "dockerode";
import type { Connection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { OneAtATime } from "../../lib/oneAtATime.ts";
import { findNode, type Node, orUndefined, runningTasks, updateNode } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import { type Context, defineProvider, sameValue } from "../define.ts";
import { removeOwnVolumes } from "../service/volumes.ts";
import { member, ownMembership, ready } from "./membership.ts";
import type { SwarmNodeInputs, SwarmNodeOutputs } from "./resource.ts";
import { demote, OnlyManagerError, oneAtATime, promote } from "./roles.ts";

const drainDeadlineSeconds = 120;
/** A node that is replaced may have to wait for the previous one: for its machine to boot, be installed and get its task. */
const turnDeadlineSeconds = 1200;

/** Nodes are replaced one at a time. For nodes that serve, that begins when they lose their label (providers/node-label). */
const absences = new OneAtATime();

/** Nodes that this `up` has found in place. A host renamed in the configuration is another resource for the same node. */
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
	},
	deleteBeforeReplace: true,
	drift: ({ observed, role }) => (sameValue(observed, { role, availability: "active", state: "ready" }) ? [] : ["observed"]),

	// When the swarm is recreated, no node is left to serve meanwhile.
	willReplace: (id, causes) => causes.includes("clusterId") || absences.announce(id),

	async create(inputs, context) {
		const manager = dockerOnManager(inputs);
		const outputs = await converge(inputs, manager, undefined, context);
		absences.comeBack(inputs.advertiseAddress, "node");
		taken.add(outputs.nodeId);
		return { id: outputs.nodeId, outputs };
	},

	async read(_id, state) {
		const { nodeId, clusterId, connection } = state;
		const manager = dockerOnManager({ managers: managersOf(state), clusterId });
		const [node, own] = await Promise.all([findNode(manager, nodeId).catch(goneWithItsSwarm), ownMembership(connection)]);
		// Even if no manager knows it, or the swarm is gone, the host may still consider itself a node. Then it could not join another swarm.
		if (!node && own?.NodeID !== nodeId) return undefined;
		const observed = node ? observe(node) : unknownToManagers;
		// A worker that leaves informs no manager: they only notice missing reports, after a while.
		return { nodeId, observed: own?.LocalNodeState === "inactive" ? { ...observed, state: "left" } : observed };
	},

	async update(_id, olds, news, context) {
		const { clusterId, role, connection } = news;
		// If all managers change, the old ones let the new ones in.
		const managers = managersOf(news, olds);
		const manager = dockerOnManager({ managers, clusterId, ...(role === "worker" && { leaving: connection }) });
		const outputs = await converge(news, manager, olds, context);
		// A host that has left and joined again is another node: the old entry is stale.
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
		const isReplaced = absences.isAnnounced(resourceId);
		await absences.leave(resourceId, advertiseAddress, "node", turnDeadlineSeconds, context.progress);
		try {
			await demote(manager, id, context);
			await drain(manager, id, context);
			const hasLeft = await leave(connection, context);
			await orUndefined(manager.getNode(id).remove({ force: true }));
			if (hasLeft) await collectVolumes(state, context);
		} catch (error) {
			absences.comeBack(advertiseAddress, "node");
			// The last manager leaves when the swarm is deleted.
			if (error instanceof OnlyManagerError && !isReplaced) return;
			throw error;
		}
	},
});

/** Makes the host join unless it is a member, waits until it is ready, and sets its role. `olds`: this resource's previous state. */
async function converge(
	inputs: SwarmNodeInputs,
	manager: Docker,
	olds: (SwarmNodeInputs & SwarmNodeOutputs) | undefined,
	context: Context,
): Promise<SwarmNodeOutputs> {
	const nodeId = await oneAtATime(() => member(inputs, manager, olds?.nodeId, context));
	await updateNode(manager, nodeId, (spec) => ({ ...spec, Availability: "active" }));
	await (inputs.role === "manager" ? promote : demote)(manager, nodeId, context);
	// With a new role it reconnects.
	const node = await ready(manager, nodeId, context);
	return { nodeId, observed: observe(node) };
}

async function drain(manager: Docker, id: string, { progress }: Context): Promise<void> {
	await updateNode(manager, id, (spec) => ({ ...spec, Availability: "drain" }));
	await until({ what: "draining", deadlineSeconds: drainDeadlineSeconds, progress }, async () => {
		// Swarm reports tasks of a lost host as running for a day.
		if ((await findNode(manager, id))?.Status?.State === "down") return { done: undefined };
		const left = await runningTasks(manager, { node: [id] });
		return left.length === 0 ? { done: undefined } : { waiting: `${left.length} tasks still run` };
	});
}

/** @returns Whether the host could be reached. */
async function leave(connection: Connection, { progress }: Context): Promise<boolean> {
	try {
		await dockerOn(connection).swarmLeave({ force: true });
		return true;
	} catch (error) {
		// A lost host cannot leave by itself; the manager removes it anyway.
		progress(`did not leave by itself: ${(error as Error).message}`);
		return false;
	}
}

/** Removes the stack's volumes: on a machine that stays they would outlive the node, with outdated options. If the host does not answer, they stay. */
async function collectVolumes({ connection, owner }: SwarmNodeInputs, { progress, note }: Context): Promise<void> {
	if (!owner) return;
	try {
		await removeOwnVolumes(dockerOn(connection), { owner }, (volume) => progress(`removing volume ${volume}`));
	} catch (error) {
		note(`its volumes are left: ${(error as Error).message}`);
	}
}

/** Removes a stale node entry from the swarm. */
async function remove(manager: Docker, id: string, context: Context): Promise<void> {
	if (!(await findNode(manager, id))) return;
	await demote(manager, id, context);
	await orUndefined(manager.getNode(id).remove({ force: true }));
}

const unknownToManagers: SwarmNodeOutputs["observed"] = {
	role: "unknown",
	availability: "unknown",
	state: "not known to the managers",
};

function observe(node: Node): SwarmNodeOutputs["observed"] {
	const state = node.Status?.State ?? "unknown";
	// A manager that is back is useful only when the others reach it.
	const isCutOff = state === "ready" && (node.ManagerStatus?.Reachability ?? "reachable") !== "reachable";
	return {
		role: node.Spec?.Role ?? "unknown",
		availability: node.Spec?.Availability ?? "unknown",
		state: isCutOff ? "not reached by the other managers" : state,
	};
}
