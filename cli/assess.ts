import { balancer } from "./balancer.ts";
import { type Deployed, type DeployedService, serverOf, serversOf } from "./deployed.ts";
import type { Observed, ObservedService } from "./observe.ts";
import { serves, servingProblems } from "./serving.ts";

/** What is wrong, one line each; empty when all is well. Pure. */
export function assess(deployed: Deployed, observed: Observed): string[] {
	return [
		...observed.unreachable.map(({ host, problem }) => `${host} cannot be asked: ${problem}`),
		...nodeProblems(deployed, observed),
		...deployed.services.flatMap((service) => serviceProblems(service, observed)),
		...hostProblems(observed),
		...balancerProblems(deployed, observed),
		...logProblems(deployed, observed),
		...Object.entries(observed.endpoints).flatMap(([url, answer]) => (/^[1-4]\d\d$/.test(answer) ? [] : [`${url} answers ${answer}`])),
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

function serviceProblems(service: DeployedService, { services, apps }: Observed): string[] {
	const { name, replicas } = service;
	const problems: string[] = [];
	const found = services?.[name];
	if (services && !found) problems.push(`service ${name} is not there`);
	if (found) {
		const running = found.tasks.filter(({ state }) => state === "running").length;
		if (running < replicas) problems.push(`${running} of ${replicas} tasks of ${name} run`);
		if (found.image !== service.image) problems.push(`the image of ${name} is ${found.image} instead of ${service.image}`);
		problems.push(...describeRollout(replicas, found).problems.map((problem) => `${name}: ${problem}`));
		for (const { node, state, error } of found.tasks) if (error) problems.push(`task of ${name} on ${node} is ${state}: ${error}`);
	}
	const states = Object.entries(apps).flatMap(([host, on]) => (on[name] ? [[host, on[name]] as const] : []));
	const servings = Object.fromEntries(states.flatMap(([host, { serving }]) => (serving ? [[host, serving]] : [])));
	for (const [host, { serving, volumes = [] }] of states) {
		if (serving) problems.push(...servingProblems(service, host, serving, servings));
		const stale = volumes.filter((volume) => volume !== service.volume);
		if (stale.length > 0) problems.push(`${host} has old volumes of ${name}: ${stale.join(", ")}`);
	}
	return problems;
}

function hostProblems({ apps }: Observed): string[] {
	const silent = Object.entries(apps).filter(([, states]) => Object.values(states).some(({ volumes }) => !volumes));
	return silent.map(([host]) => `Docker on ${host} does not tell of its volumes: it is stopped, or waits for their NFS server`);
}

/** The last rollout, in words. Pure. */
export function describeRollout(
	replicas: number,
	{ update, updated, message }: Pick<ObservedService, "update" | "updated" | "message">,
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

function balancerProblems({ services }: Deployed, { balancer: found, apps }: Observed): string[] {
	const { name: program } = balancer;
	if (!found) return [];
	if (!found.isActive) return [`${program} does not run`];
	const wanted = services.filter(({ isRouted }) => isRouted).flatMap(serversOf);
	const missing = wanted.filter((server) => !found.servers.includes(server));
	const strange = [...new Set(found.servers)].filter((server) => !wanted.includes(server));
	// A node that is closed, or whose task is down, is already reported.
	const unseen = services.flatMap((service) =>
		service.nodes.flatMap((node) => {
			const { name } = node;
			const serving = apps[name]?.[service.name]?.serving;
			const server = serverOf(service, node);
			const isUnseen = serving && serves(service, serving) && found.unconnected.includes(server);
			return isUnseen ? [`${name} serves, and the host of ${program} cannot connect to ${server}`] : [];
		}),
	);
	return [
		...unseen,
		...missing.map((server) => `${program} does not balance over ${server}`),
		...strange.map((server) => `${program} balances over ${server}, which is none of this stack`),
	];
}

/** A full disk stops writers, so it is reported before that. */
const fullPercent = 90;

function logProblems({ exportPath }: Deployed, { log }: Observed): string[] {
	if (!log) return [];
	return [
		...(log.isActive ? [] : ["the NFS server does not run"]),
		...(log.exports.length > 0 ? [] : [`${exportPath} is not exported`]),
		...(log.usedPercent >= fullPercent ? [`the disk of ${exportPath} is ${log.usedPercent} % full`] : []),
	];
}
