import type { Deployed } from "./deployed.ts";
import type { Observed } from "./observe.ts";

/** What is wrong, one line each; empty when all is well. Pure. */
export function assess(deployed: Deployed, observed: Observed): string[] {
	return [
		...observed.unreachable.map(({ host, problem }) => `${host} cannot be asked: ${problem}`),
		...nodeProblems(deployed, observed),
		...serviceProblems(deployed, observed),
		...balancerProblems(deployed, observed),
		...logProblems(deployed, observed),
		...(/^[1-4]\d\d$/.test(observed.endpoint) ? [] : [`${deployed.endpoint} answers ${observed.endpoint}`]),
	];
}

function nodeProblems({ hosts }: Deployed, { nodes }: Observed): string[] {
	if (!nodes) return [];
	const problems: string[] = [];
	for (const { name, roles } of hosts) {
		const role = roles.includes("manager") ? "manager" : roles.includes("worker") ? "worker" : undefined;
		const node = nodes.find((node) => node.name === name);
		if (!role) continue;
		if (!node) problems.push(`${name} is not in the swarm`);
		else if (node.state !== "ready" || node.availability !== "active")
			problems.push(`node ${name} is ${node.state} and ${node.availability}`);
		else if (node.role !== role) problems.push(`node ${name} is a ${node.role} instead of a ${role}`);
		else if (node.manager === "unreachable") problems.push(`manager ${name} is unreachable for the others`);
	}
	const strange = nodes.filter(({ name }) => !hosts.some((host) => host.name === name)).map(({ name }) => name);
	return [...problems, ...strange.map((name) => `node ${name} is none of this stack`)];
}

function serviceProblems({ service }: Deployed, { nodes, service: found, tasks = [], apps }: Observed): string[] {
	const problems: string[] = [];
	if (nodes && !found) problems.push(`service ${service.name} is not there`);
	if (found) {
		const running = tasks.filter(({ state }) => state === "running").length;
		if (running < service.replicas) problems.push(`${running} of ${service.replicas} tasks run`);
		if (found.image !== service.image) problems.push(`the service's image is ${found.image} instead of ${service.image}`);
		if (found.update && !["completed", "rollback_completed"].includes(found.update))
			problems.push(`the last rollout is ${found.update}: ${found.message}`);
		for (const { node, state, error } of tasks) if (error) problems.push(`task on ${node} is ${state}: ${error}`);
	}
	for (const [name, { isClosed, volumes }] of Object.entries(apps)) {
		if (isClosed) problems.push(`${name} refuses new connections`);
		const stale = (volumes ?? []).filter((volume) => volume !== service.volume);
		if (!volumes) problems.push(`Docker on ${name} does not tell of its volumes: it is stopped, or waits for their NFS server`);
		if (stale.length > 0) problems.push(`${name} has old volumes: ${stale.join(", ")}`);
	}
	return problems;
}

function balancerProblems({ service }: Deployed, { nginx }: Observed): string[] {
	if (!nginx) return [];
	if (!nginx.isActive) return ["NGINX does not run"];
	const wanted = service.nodes.map(({ address }) => `${address}:${service.published}`);
	const missing = wanted.filter((server) => !nginx.servers.includes(server));
	const strange = nginx.servers.filter((server) => !wanted.includes(server));
	return [
		...missing.map((server) => `NGINX does not balance over ${server}`),
		...strange.map((server) => `NGINX balances over ${server}, which is none of this stack`),
	];
}

/** A full disk stops writers, so it is told before. */
const fullPercent = 90;

function logProblems({ exportPath }: Deployed, { log }: Observed): string[] {
	if (!log) return [];
	return [
		...(log.isActive ? [] : ["the NFS server does not run"]),
		...(log.exports.length > 0 ? [] : [`${exportPath} is not exported`]),
		...(log.usedPercent >= fullPercent ? [`the disk of ${exportPath} is ${log.usedPercent} % full`] : []),
	];
}
