import { isDeepStrictEqual } from "node:util";
import { scriptText } from "../host/kit.ts";
import { Client } from "../lib/client.ts";
import { dockerOnManager } from "../lib/managers.ts";
import { execAsRoot } from "../lib/ssh.ts";
import type { Node, Task } from "../lib/swarm.ts";
import { findService } from "../lib/swarm.ts";
import { type AppState, appStates } from "./apps.ts";
import { type BalancerState, balancer } from "./balancer.ts";
import { type Deployed, serversOf } from "./deployed.ts";

/** What exists. A part that could not be observed is absent, and its host is in `unreachable`. */
export interface Observed {
	unreachable: { host: string; problem: string }[];
	/** `name`: the name in the configuration, found by the node's ID; for a node that is not the stack's, its own host name. */
	nodes?: { id: string; name: string; role: string; state: string; availability: string; manager: string; docker: string }[];
	/** By name; a service that is not in the swarm is absent. */
	services?: Record<string, ObservedService>;
	/** By app host, and then by service. */
	apps: Record<string, Record<string, AppState>>;
	balancer?: BalancerState;
	log?: { isActive: boolean; exports: string[]; usedPercent: number };
	/** By URL: HTTP status, or the error. */
	endpoints: Record<string, string>;
}

export interface ObservedService {
	image: string;
	/** State of its last update; empty if there was none. */
	update: string;
	message: string;
	/** Number of running tasks with the service's present spec. */
	updated: number;
	tasks: { node: string; state: string; image: string; error: string }[];
}

/** Checks everything at the same time, over one connection per host. Changes nothing. */
export async function observe(deployed: Deployed): Promise<Observed> {
	const observed: Observed = { unreachable: [], apps: {}, endpoints: {} };
	const on = (role: string, look: (host: Deployed["hosts"][number]) => Promise<void>) =>
		deployed.hosts
			.filter(({ roles }) => roles.includes(role))
			.map((host) => look(host).catch((error) => observed.unreachable.push({ host: host.name, problem: (error as Error).message })));
	const wanted = deployed.services.flatMap(serversOf);
	const managers = deployed.hosts.filter(({ roles }) => roles.includes("manager"));
	const unseen = (error: Error) => observed.unreachable.push({ host: managers.map(({ name }) => name).join(", "), problem: error.message });
	await Promise.all([
		swarmState(deployed, managers).then((state) => Object.assign(observed, state), unseen),
		...on("app", async (host) => void Object.assign(observed.apps, { [host.name]: await appStates(deployed, host) })),
		...on("balancer", async (host) => void Object.assign(observed, { balancer: await balancer.look(host.connection, wanted) })),
		...on("log", async (host) => void Object.assign(observed, { log: await logState(deployed, host) })),
		...deployed.endpoints.map(async (url) => void Object.assign(observed.endpoints, { [url]: await ask(url) })),
	]);
	return observed;
}

type Host = Deployed["hosts"][number];

/** The part of a service that is read here. */
interface FoundService {
	ID: string;
	Spec: { TaskTemplate: { ContainerSpec: { Image: string } } };
	UpdateStatus?: { State?: string; Message?: string };
}

/** Asks any of the managers. */
async function swarmState({ hosts, services, swarmId }: Deployed, managers: Host[]): Promise<Pick<Observed, "nodes" | "services">> {
	const docker = dockerOnManager({ managers: managers.map(({ connection }) => connection), clusterId: swarmId });
	const [nodes, ...found] = await Promise.all([
		docker.listNodes() as Promise<(Node & { Description?: { Engine?: { EngineVersion?: string } } })[]>,
		...services.map(({ name }) => findService<FoundService>(docker, name)),
	]);
	const tasks = (await docker.listTasks({ filters: JSON.stringify({ "desired-state": ["running"] }) as never })) as Task[];
	const nameOf = (node: Node) => hosts.find(({ nodeId }) => nodeId === node.ID)?.name ?? node.Description?.Hostname ?? node.ID;
	const names = new Map(nodes.map((node) => [node.ID, nameOf(node)]));
	const stateOf = (service: FoundService): ObservedService => {
		const own = tasks.filter(({ ServiceID: id }) => id === service.ID);
		return {
			image: service.Spec.TaskTemplate.ContainerSpec.Image,
			update: service.UpdateStatus?.State ?? "",
			message: service.UpdateStatus?.Message ?? "",
			updated: own.filter((task) => task.Status.State === "running" && isCurrent(task, service.Spec.TaskTemplate)).length,
			tasks: own.map((task) => ({
				node: names.get(task.NodeID ?? "") ?? task.NodeID ?? "",
				state: task.Status.State,
				image: task.Spec.ContainerSpec?.Image ?? "",
				error: task.Status.Err ?? "",
			})),
		};
	};
	return {
		nodes: nodes.map((node) => ({
			id: node.ID,
			name: nameOf(node),
			role: node.Spec?.Role ?? "",
			state: node.Status?.State ?? "",
			availability: node.Spec?.Availability ?? "",
			manager: node.ManagerStatus?.Leader ? "leader" : (node.ManagerStatus?.Reachability ?? ""),
			docker: node.Description?.Engine?.EngineVersion ?? "",
		})),
		services: Object.fromEntries(services.flatMap(({ name }, i) => (found[i] ? [[name, stateOf(found[i])]] : []))),
	};
}

/** Whether the task was made from this template. A task's spec is a copy of the template, without the runtime. Pure. */
export function isCurrent({ Spec: spec }: Task, template: object): boolean {
	const comparable = (value: object) => ({ ...value, Runtime: undefined });
	return isDeepStrictEqual(comparable(spec), comparable(template));
}

async function logState({ exportPath }: Deployed, { connection }: Host): Promise<Observed["log"]> {
	const script = scriptText("status/log", { path: exportPath });
	const [active, used = "", ...lines] = (await execAsRoot(connection, script)).trim().split("\n");
	const exports = lines.map((line) => /^(\S+)\s+([^(]+)/.exec(line)).filter((match) => match?.[1] === exportPath);
	// The NFS server is a oneshot unit: active until it is stopped.
	return { isActive: active === "active", usedPercent: Number.parseInt(used, 10), exports: exports.map((match) => match?.[2] as string) };
}

async function ask(url: string): Promise<string> {
	try {
		return `${await new Client({ isVerified: true }).status(new URL(url), 15)}`;
	} catch (error) {
		return (error as Error).message;
	}
}
