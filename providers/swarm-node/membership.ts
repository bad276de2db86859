import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { findNode, type Node, orUndefined, refuseLocked } from "../../lib/swarm.ts";
import { DeadlineError, until, within } from "../../lib/wait.ts";
import type { Context } from "../define.ts";
import { closedPorts, closedPortsScript } from "./ports.ts";
import type { SwarmNodeInputs } from "./resource.ts";

/* What a host says about its swarm membership, and how it joins this swarm. */

const joinDeadlineSeconds = 180;
/** Seconds that Docker gets to recover by itself from an error of its membership. */
const recoverySeconds = 75;
/** Seconds a host may take to say whether it is a node, at a refresh. */
const glanceSeconds = 20;

/** The ID of the host's node, once it is ready. A repeated join leaves a stale node entry, which is removed. */
export async function member(inputs: SwarmNodeInputs, manager: Docker, formerId: string | undefined, context: Context): Promise<string> {
	const before = ((await manager.listNodes()) as Node[]).map(({ ID: id }) => id);
	const nodeId = (await membership(inputs, manager, formerId, context)) ?? (await join(inputs, manager, context));
	await ready(manager, nodeId, context);
	const nodes = (await manager.listNodes()) as Node[];
	const left = nodes.filter(({ ID: id, Description: found }) => id !== nodeId && !before.includes(id) && !found?.Hostname);
	for (const { ID: id } of left) await orUndefined(manager.getNode(id).remove({ force: true }));
	return nodeId;
}

/** Waits until the manager sees the node ready. */
export async function ready(manager: Docker, nodeId: string, { progress }: Context): Promise<Node> {
	return until<Node>({ what: "node joining", deadlineSeconds: joinDeadlineSeconds, progress }, async () => {
		const node = await findNode(manager, nodeId);
		const state = node?.Status?.State ?? "not listed yet";
		return node && state === "ready" ? { done: node } : { waiting: `the manager sees it ${state}` };
	});
}

/** The node's ID if the host is in our swarm, undefined if it is in none. `formerId`: ID of the node that the host was in this swarm. */
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
	refuseLocked(host, swarm.LocalNodeState);
	const leaves = async (why: string) => {
		context.note(`${why}: it leaves, and joins again`);
		await docker.swarmLeave({ force: true });
		return undefined;
	};
	const remedy = `run "docker swarm leave --force" there, or take the host out of the configuration`;
	if (swarm.LocalNodeState === "error") {
		if (!formerId) throw new Error(`${host} is in a swarm that it cannot take part in (${swarm.Error}): ${remedy}`);
		// Docker retries for ever, for instance to become a manager through a host that is no longer one. The swarm itself works: a manager has just answered.
		return leaves(`cannot take part in the swarm (${swarm.Error})`);
	}
	const nodeId = swarm.LocalNodeState === "pending" ? await joined(docker, context) : swarm.NodeID;
	if (nodeId && (await findNode(manager, nodeId))) return nodeId;
	if (nodeId && nodeId === formerId) return leaves("no manager knows it any more");
	throw new Error(`${host} is in another swarm (${swarm.LocalNodeState}): ${remedy}`);
}

/** What Docker says about its membership, after it has had time to recover from an error: it reconnects every 30 s. */
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

/** What the host itself says about its membership; undefined if it cannot be asked. */
export async function ownMembership(connection: Connection) {
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
		// On a slow host Docker stops waiting after 20 s, but the join continues.
		if (!/continue in the background/.test((error as Error).message)) throw error;
	}
	return joined(docker, context);
}

/** Addresses to join at, with port, the leader's first: Docker uses the first one. */
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
