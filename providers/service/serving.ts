import { scriptText } from "../../host/kit.ts";
import { type AgentReport, readReport } from "../../lib/agentReport.ts";
import {
	type Answer,
	askSettings,
	checkSeconds,
	describeAnswer,
	type Health,
	isHealthyAnswer,
	isRefused,
	readCheck as readAnswer,
} from "../../lib/health.ts";
import { printable } from "../../lib/printable.ts";
import { isLossless } from "../../lib/rollout.ts";
import { isUnreachable } from "../../lib/ssh.ts";
import { DeadlineError } from "../../lib/wait.ts";
import type { Means } from "./means.ts";
import type { ServiceInputs, ServiceNode } from "./resource.ts";

/*
 * Whether a node serves, checked as the load balancer reaches it: at its address and the published port. And what its agent says, see host/agents/.
 */

/** The part of an agent's report that is kept. */
export type AgentState = Pick<AgentReport, "state"> & Partial<Pick<AgentReport, "connections" | "reason" | "seconds">>;

export interface NodeCheck {
	/** The node's name. */
	node: string;
	serves: boolean;
	/** The connection was refused: nothing listens on the port, or the node is closed. */
	isRefused: boolean;
	/** What came instead of a healthy answer; empty if one came. */
	answer: string;
	/** Absent if there is no agent, or it does not answer. */
	agent?: AgentState;
	/** The task's container has no published port, although Docker says that it runs. Absent if that was not checked. */
	isUnpublished?: boolean;
}

type Asked = Pick<ServiceInputs, "publish" | "health" | "rollout">;

/** The script: prints the answer as one line and then, with `agent`, what the agent says. Pure. */
export function checkScript({ address }: Pick<ServiceNode, "address">, { publish, health, rollout }: Asked, agent: boolean): string {
	const settings = askSettings(address, publish.published, health, agent ? rollout.peerPort : undefined);
	return [scriptText("health/ask", settings), scriptText("health/look")].join("\n");
}

/** Reads what the script printed; undefined if that is no such output. Pure. */
export function readCheck(node: Pick<ServiceNode, "name" | "address">, printed: string, { publish, health }: Asked): NodeCheck | undefined {
	const [first = "", ...rest] = printed.split("\n");
	const found = answerOf(first, health);
	if (!found) return undefined;
	const serves = isHealthyAnswer(found, health);
	const answer = serves ? "" : `${node.address}:${publish.published}: ${describeAnswer(found)}`;
	const agent = agentState(rest.join("\n"));
	return { node: node.name, serves, isRefused: isRefused(found), answer, ...(agent && { agent }) };
}

function answerOf(line: string, health: Health): Answer | undefined {
	try {
		return readAnswer(line, health);
	} catch {
		return undefined;
	}
}

function agentState(text: string): AgentState | undefined {
	const report = readReport(text);
	if (!report) return undefined;
	const { state, connections, seconds, reason } = report;
	return { state, connections, seconds, ...(reason && { reason: printable(reason) }) };
}

/** Checks all nodes at once. A node that cannot be reached now is left out. @throws SshError when the access to it must be repaired. */
export async function checkNodes(
	nodes: ServiceNode[],
	inputs: Asked,
	{ shell }: Pick<Means, "shell">,
	withAgent = true,
): Promise<NodeCheck[]> {
	const hasAgent = withAgent && isLossless(inputs);
	const check = async (node: ServiceNode): Promise<NodeCheck[]> => {
		try {
			const printed = await shell(node.connection, checkScript(node, inputs, hasAgent), { deadlineSeconds: checkSeconds(inputs.health) });
			return [readCheck(node, printed, inputs) ?? []].flat();
		} catch (error) {
			if (isUnreachable(error) || error instanceof DeadlineError) return [];
			throw error;
		}
	};
	return (await Promise.all(nodes.map(check))).flat();
}

/** Whether the agent has closed the node on purpose, or is about to. */
export const isHeld = ({ agent }: NodeCheck): boolean => ["waiting", "closed"].includes(agent?.state ?? "");

/** Whether a task runs on the node, but serves nobody because the agent keeps the node closed. `runs`: takes a node's ID. */
export const isKeptOut = ({ node, serves, agent }: NodeCheck, nodes: ServiceNode[], runs: (nodeId: string) => boolean): boolean =>
	!serves && agent?.state === "closed" && nodes.some(({ name, nodeId }) => name === node && runs(nodeId));

/** Seconds that a node may take to serve once Docker sees its new task healthy: an agent, if there is one, opens the node only after a while. */
export const admissionSeconds = (inputs: Asked): number =>
	inputs.health.deadlineSeconds + (isLossless(inputs) ? inputs.rollout.settleSeconds : 0);

/** Why the node gets no requests from the load balancer, in words. */
export function whySilent({ node, answer, agent, isUnpublished }: NodeCheck): string {
	const why = isUnpublished ? "its task has no published port" : answer;
	return `${node} does not serve: ${why}${agent?.reason && !isUnpublished ? ` (its agent: ${agent.state}, ${agent.reason})` : ""}`;
}

/** Whether a line says that a node does not serve. */
export const saysSilent = (line: string): boolean => / does not serve: /.test(line);

/** Whether such a line says that the agent keeps the node closed: then it is waited for. */
export const saysHeld = (line: string): boolean => saysSilent(line) && / \(its agent: closed, /.test(line);
