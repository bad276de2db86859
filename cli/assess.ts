import type { Deployed } from "./deployed.ts";
import type { Observed } from "./observe.ts";
import { serves, servingProblems } from "./serving.ts";

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
	for (const { name, roles, nodeId } of hosts) {
		const role = roles.includes("manager") ? "manager" : roles.includes("worker") ? "worker" : undefined;
		const node = nodes.find(({ id }) => id === nodeId);
		if (!role) continue;
		if (!node) problems.push(`${name} is not in the swarm`);
		else if (node.state !== "ready" || node.availability !== "active")
			problems.push(`node ${name} is ${node.state} and ${node.availability}`);
		else if (node.role !== role) problems.push(`node ${name} is a ${node.role} instead of a ${role}`);
		else if (node.manager === "unreachable") problems.push(`manager ${name} is unreachable for the others`);
	}
	const strange = nodes.filter(({ id }) => !hosts.some(({ nodeId }) => nodeId === id));
	return [...problems, ...strange.map(({ id, name, state }) => `node ${name} (${id}, ${state}) is none of this stack`)];
}

function serviceProblems({ service }: Deployed, { nodes, service: found, tasks = [], apps }: Observed): string[] {
	const problems: string[] = [];
	if (nodes && !found) problems.push(`service ${service.name} is not there`);
	if (found) {
		const running = tasks.filter(({ state }) => state === "running").length;
		if (running < service.replicas) problems.push(`${running} of ${service.replicas} tasks run`);
		if (found.image !== service.image) problems.push(`the service's image is ${found.image} instead of ${service.image}`);
		problems.push(...describeRollout(service.replicas, found).problems);
		for (const { node, state, error } of tasks) if (error) problems.push(`task on ${node} is ${state}: ${error}`);
	}
	const servings = Object.fromEntries(Object.entries(apps).flatMap(([name, { serving }]) => (serving ? [[name, serving]] : [])));
	for (const [name, { serving, volumes }] of Object.entries(apps)) {
		if (serving) problems.push(...servingProblems(service, name, serving, servings));
		const stale = (volumes ?? []).filter((volume) => volume !== service.volume);
		if (!volumes) problems.push(`Docker on ${name} does not tell of its volumes: it is stopped, or waits for their NFS server`);
		if (stale.length > 0) problems.push(`${name} has old volumes: ${stale.join(", ")}`);
	}
	return problems;
}

/** The last rollout, in words. Pure. */
export function describeRollout(
	replicas: number,
	{ update, updated, message }: Pick<Required<Observed>["service"], "update" | "updated" | "message">,
): { words: string; problems: string[] } {
	const count = `${updated} of ${replicas} nodes`;
	const words: Record<string, string> = {
		"": "no rollout yet",
		completed: "the last rollout is complete",
		rollback_completed: "the last rollout was taken back",
		updating: `a rollout is under way: ${count} updated`,
		rollback_started: `the new version failed and is taken back: ${count} have the old one`,
	};
	const said = words[update] ?? `the last rollout is ${update.replace("_", " ")}, ${count} updated: ${message}`;
	return { words: said, problems: ["", "completed", "rollback_completed"].includes(update) ? [] : [said] };
}

function balancerProblems({ service }: Deployed, { nginx, apps }: Observed): string[] {
	if (!nginx) return [];
	if (!nginx.isActive) return ["NGINX does not run"];
	const wanted = service.nodes.map(({ address }) => `${address}:${service.published}`);
	const missing = wanted.filter((server) => !nginx.servers.includes(server));
	const strange = nginx.servers.filter((server) => !wanted.includes(server));
	// A node that is closed, or whose task is down, is told already.
	const unseen = service.nodes.filter(({ name, address }) => {
		const serving = apps[name]?.serving;
		return serving && serves(service, serving) && nginx.unconnected.includes(`${address}:${service.published}`);
	});
	return [
		...unseen.map(({ name, address }) => `${name} serves, and the host of NGINX cannot connect to ${address}:${service.published}`),
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
