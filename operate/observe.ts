import { shellQuote } from "../lib/connection.ts";
import { dockerOnManager } from "../lib/managers.ts";
import { execAsRoot } from "../lib/ssh.ts";
import type { Node, Task } from "../lib/swarm.ts";
import { orUndefined } from "../lib/swarm.ts";
import type { Deployed } from "./deployed.ts";

/** What there is. A part that could not be asked is absent, and its host stands in `unreachable`. */
export interface Observed {
	unreachable: { host: string; problem: string }[];
	nodes?: { name: string; role: string; state: string; availability: string; manager: string; docker: string }[];
	service?: { image: string; update: string; message: string };
	tasks?: { node: string; state: string; image: string; error: string }[];
	/** App hosts: whether new connections are refused, and the volumes of this stack; absent while Docker does not tell. */
	apps: Record<string, { isClosed: boolean; volumes?: string[] }>;
	nginx?: { isActive: boolean; version: string; servers: string[] };
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
async function swarmState({ service, swarmId }: Deployed, managers: Host[]): Promise<Pick<Observed, "nodes" | "service" | "tasks">> {
	const docker = dockerOnManager({ managers: managers.map(({ connection }) => connection), clusterId: swarmId });
	const [nodes, found, tasks] = await Promise.all([
		docker.listNodes() as Promise<(Node & { Description?: { Engine?: { EngineVersion?: string } } })[]>,
		orUndefined(docker.getService(service.name).inspect()),
		docker.listTasks({ filters: JSON.stringify({ service: [service.name], "desired-state": ["running"] }) as never }) as Promise<Task[]>,
	]);
	const names = new Map(nodes.map(({ ID: id, Description: description }) => [id, description?.Hostname ?? id]));
	return {
		nodes: nodes.map((node) => ({
			name: names.get(node.ID) as string,
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
			},
		}),
		tasks: found
			? tasks.map((task) => ({
					node: names.get(task.NodeID ?? "") ?? "",
					state: task.Status.State,
					image: task.Spec.ContainerSpec?.Image ?? "",
					error: task.Status.Err ?? "",
				}))
			: [],
	};
}

async function appState({ service }: Deployed, { connection }: Host): Promise<Observed["apps"][string]> {
	// Docker waits for the volume's NFS server, without end.
	const script = `
iptables -S SCALEOUT-DRAIN-${service.published} 2>/dev/null | grep -c REJECT || true
timeout 10 docker volume ls -q --filter label=scaleout.owner || echo '?'`;
	const [closed = "0", ...volumes] = (await execAsRoot(connection, script)).trim().split("\n");
	return { isClosed: closed !== "0", ...(volumes.at(-1) !== "?" && { volumes }) };
}

async function nginxState({ service }: Deployed, { connection }: Host): Promise<Observed["nginx"]> {
	const script = "systemctl is-active nginx || true; nginx -v 2>&1; nginx -T 2>/dev/null || true";
	const [active, version = "", ...config] = (await execAsRoot(connection, script)).split("\n");
	const servers = [...config.join("\n").matchAll(/^\s*server\s+([\d.]+:\d+)/gm)].map(([, server]) => server as string);
	return {
		isActive: active === "active",
		version: version.replace(/.*nginx\//, ""),
		servers: servers.filter((server) => server.endsWith(`:${service.published}`)),
	};
}

async function logState({ exportPath }: Deployed, { connection }: Host): Promise<Observed["log"]> {
	const script = `systemctl is-active nfs-server || true; df --output=pcent ${shellQuote(exportPath)} | tail -1; exportfs -s`;
	const [active, used = "", ...lines] = (await execAsRoot(connection, script)).trim().split("\n");
	const exports = lines.map((line) => /^(\S+)\s+([^(]+)/.exec(line)).filter((match) => match?.[1] === exportPath);
	// An NFS server is a oneshot unit: active as long as it was not stopped.
	return { isActive: active === "active", usedPercent: Number.parseInt(used, 10), exports: exports.map((match) => match?.[2] as string) };
}

async function ask(url: string): Promise<string> {
	try {
		return `${(await fetch(url, { signal: AbortSignal.timeout(15_000) })).status}`;
	} catch (error) {
		const { cause, message } = error as Error;
		return (cause as Error | undefined)?.message ?? message;
	}
}
