import { isDeepStrictEqual } from "node:util";
import { scriptText } from "../host/kit.ts";
import { Client } from "../lib/client.ts";
import { dockerOnManager } from "../lib/managers.ts";
import { execAsRoot } from "../lib/ssh.ts";
import type { Node, Task } from "../lib/swarm.ts";
import { orUndefined } from "../lib/swarm.ts";
import { type AppState, appState } from "./apps.ts";
import type { Deployed } from "./deployed.ts";

/** What there is. A part that could not be asked is absent, and its host stands in `unreachable`. */
export interface Observed {
	unreachable: { host: string; problem: string }[];
	/** `name`: the configuration's, by the node's ID; of a node that is none of the stack, its host's own. */
	nodes?: { id: string; name: string; role: string; state: string; availability: string; manager: string; docker: string }[];
	/** `updated`: tasks that run with what the service is now. */
	service?: { image: string; update: string; message: string; updated: number };
	tasks?: { node: string; state: string; image: string; error: string }[];
	/** App hosts. */
	apps: Record<string, AppState>;
	/** `unconnected`: upstream servers that the host of NGINX cannot connect to. */
	nginx?: { isActive: boolean; version: string; servers: string[]; unconnected: string[] };
	log?: { isActive: boolean; exports: string[]; usedPercent: number };
	/** HTTP status of the endpoint, or what went wrong. */
	endpoint: string;
}

/** Looks at everything at the same time, over one connection a host. Changes nothing. */
export async function observe(deployed: Deployed): Promise<Observed> {
	const observed: Observed = { unreachable: [], apps: {}, endpoint: "" };
	const on = (role: string, look: (host: Deployed["hosts"][number]) => Promise<void>) =>
		deployed.hosts
			.filter(({ roles }) => roles.includes(role))
			.map((host) => look(host).catch((error) => observed.unreachable.push({ host: host.name, problem: (error as Error).message })));
	const managers = deployed.hosts.filter(({ roles }) => roles.includes("manager"));
	const unseen = (error: Error) => observed.unreachable.push({ host: managers.map(({ name }) => name).join(", "), problem: error.message });
	await Promise.all([
		swarmState(deployed, managers).then((state) => Object.assign(observed, state), unseen),
		...on("app", async (host) => void Object.assign(observed.apps, { [host.name]: await appState(deployed, host) })),
		...on("nginx", async (host) => void Object.assign(observed, { nginx: await nginxState(deployed, host) })),
		...on("log", async (host) => void Object.assign(observed, { log: await logState(deployed, host) })),
		ask(deployed.endpoint).then((answer) => Object.assign(observed, { endpoint: answer })),
	]);
	return observed;
}

type Host = Deployed["hosts"][number];

/** Asks any of the managers. */
async function swarmState({ hosts, service, swarmId }: Deployed, managers: Host[]): Promise<Pick<Observed, "nodes" | "service" | "tasks">> {
	const docker = dockerOnManager({ managers: managers.map(({ connection }) => connection), clusterId: swarmId });
	const [nodes, found, tasks] = await Promise.all([
		docker.listNodes() as Promise<(Node & { Description?: { Engine?: { EngineVersion?: string } } })[]>,
		orUndefined(docker.getService(service.name).inspect()),
		docker.listTasks({ filters: JSON.stringify({ service: [service.name], "desired-state": ["running"] }) as never }) as Promise<Task[]>,
	]);
	const nameOf = (node: Node) => hosts.find(({ nodeId }) => nodeId === node.ID)?.name ?? node.Description?.Hostname ?? node.ID;
	const names = new Map(nodes.map((node) => [node.ID, nameOf(node)]));
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
		...(found && {
			service: {
				image: found.Spec.TaskTemplate.ContainerSpec.Image,
				update: found.UpdateStatus?.State ?? "",
				message: found.UpdateStatus?.Message ?? "",
				updated: tasks.filter((task) => task.Status.State === "running" && isCurrent(task, found.Spec.TaskTemplate)).length,
			},
		}),
		tasks: found
			? tasks.map((task) => ({
					node: names.get(task.NodeID ?? "") ?? task.NodeID ?? "",
					state: task.Status.State,
					image: task.Spec.ContainerSpec?.Image ?? "",
					error: task.Status.Err ?? "",
				}))
			: [],
	};
}

/** Whether the task was made of this template: its spec is the template's at the time, less the runtime. Pure. */
export function isCurrent({ Spec: spec }: Task, template: object): boolean {
	const comparable = (value: object) => ({ ...value, Runtime: undefined });
	return isDeepStrictEqual(comparable(spec), comparable(template));
}

export async function nginxState({ service }: Deployed, { connection }: Pick<Host, "connection">): Promise<Observed["nginx"]> {
	const addresses = service.nodes.map(({ address }) => address);
	const script = scriptText("status/nginx", { addresses, port: service.published });
	const [active, version = "", ...lines] = (await execAsRoot(connection, script)).split("\n");
	const text = lines.join("\n");
	const servers = [...text.matchAll(/^\s*server\s+([\d.]+:\d+)/gm)].map(([, server]) => server as string);
	return {
		isActive: active === "active",
		version: version.replace(/.*nginx\//, ""),
		servers: servers.filter((server) => server.endsWith(`:${service.published}`)),
		unconnected: [...text.matchAll(/^unconnected (\S+)$/gm)].map(([, server]) => server as string),
	};
}

async function logState({ exportPath }: Deployed, { connection }: Host): Promise<Observed["log"]> {
	const script = scriptText("status/log", { path: exportPath });
	const [active, used = "", ...lines] = (await execAsRoot(connection, script)).trim().split("\n");
	const exports = lines.map((line) => /^(\S+)\s+([^(]+)/.exec(line)).filter((match) => match?.[1] === exportPath);
	// An NFS server is a oneshot unit: active as long as it was not stopped.
	return { isActive: active === "active", usedPercent: Number.parseInt(used, 10), exports: exports.map((match) => match?.[2] as string) };
}

async function ask(url: string): Promise<string> {
	try {
		return `${await new Client({ isVerified: true }).status(new URL(url), 15)}`;
	} catch (error) {
		return (error as Error).message;
	}
}
