import { drainUnit } from "../lib/agentNames.ts";
import type { AgentReport } from "../lib/agentReport.ts";
import { type Answer, describeAnswer, isHealthyAnswer } from "../lib/health.ts";
import type { Serving } from "./apps.ts";
import type { DeployedService as Service } from "./deployed.ts";

/** Whether the node answers requests of the load balancer. Pure. */
export const serves = ({ health }: Pick<Service, "health">, { answer }: Serving) => isHealthyAnswer(answer, health);

/** Whether a node serves, as a line for the table. Pure. */
export function describeServing(service: Service, serving: Serving): string {
	const { agent } = serving;
	const does = serves(service, serving) ? "serves" : `does not serve, ${describeAnswer(serving.answer)}`;
	if (agent === undefined) return does;
	if (typeof agent === "string") return `${does}; the agent does not answer: ${agent}`;
	return agent.state === "serving" ? does : `${does}; ${account(agent)}`;
}

/** Problems of a node that should serve, one line each. `others`: observations of all nodes that should serve. Pure. */
export function servingProblems(service: Service, name: string, serving: Serving, others: Record<string, Serving>): string[] {
	const { agent } = serving;
	const problems = serves(service, serving) ? [] : [`${name} does not serve ${service.name}: ${reason(service, serving)}`];
	if (typeof agent === "string") {
		problems.push(
			`the agent of ${service.name} on ${name} does not answer: ${agent}: see systemctl status ${drainUnit(service.name)} there`,
		);
	} else if (agent) {
		if (serves(service, serving) && agent.state === "closed")
			problems.push(`${name} answers for ${service.name} although its agent says: ${account(agent)}`);
		// An agent that does not answer on its own node is already reported there.
		const peers = agent.unreachable.filter((peer) => typeof others[peer]?.agent === "object");
		if (peers.length > 0) {
			problems.push(
				`the agent of ${service.name} on ${name} cannot reach ${peers.join(", ")}: TCP port ${service.peerPort} must be open between app nodes`,
			);
		}
	}
	return problems;
}

/** Why a node does not serve, from the best-informed source. */
function reason(service: Service, { answer, agent, containers = [] }: Serving): string {
	if (typeof agent === "object" && ["closed", "away"].includes(agent.state)) return account(agent);
	const isUnpublished = containers.some(({ health, published }) => health === "healthy" && !published.includes(service.published));
	// With the routing mesh no container publishes a port of its own.
	if (service.mode === "host" && isUnpublished) return "its task is healthy and has no published port: pulumi up --refresh replaces it";
	const { path, status } = service.health;
	return `${path} ${asAnswer(answer)} instead of ${status.join(" or ")}`;
}

const asAnswer = (answer: Answer) => ("status" in answer ? describeAnswer(answer) : `gives "${describeAnswer(answer)}"`);

/** An agent's report on its node, in words. */
function account({ state, reason, connections, seconds }: AgentReport): string {
	const left = state === "closed" && connections > 0 ? `, ${connections} connection${connections === 1 ? "" : "s"} left` : "";
	const does = { closed: "closed", away: "without a task", waiting: "asked to stop, waits for its turn" }[state] ?? state;
	return `${does} for ${duration(seconds)}${reason && `: ${reason}`}${left}`;
}

/** Pure. */
export function duration(seconds: number): string {
	if (seconds < 120) return `${Math.round(seconds)} s`;
	return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
