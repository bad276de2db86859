import { scriptText } from "../host/kit.ts";
import { type AgentReport, readReport } from "../lib/agentReport.ts";
import { type Answer, agentSeconds, askSettings, checkSeconds, curlProblem, type Health, readCheck } from "../lib/health.ts";
import { execAsRoot } from "../lib/ssh.ts";
import type { Deployed, DeployedService } from "./deployed.ts";

/** Whether a node serves, from three points of view. */
export interface Serving {
	/** The answer to the health request at the node's address and published port, as the load balancer reaches it. */
	answer: Answer;
	/** The agent's report, or why there is none; absent if no agent is expected. */
	agent?: AgentReport | string;
	/** The service's containers as Docker sees them; absent while Docker does not answer. */
	containers?: { health: string; published: number[] }[];
}

/** A service's state on a host. */
export interface AppState {
	/** Absent on a host without a task of the service. */
	serving?: Serving;
	/** Its volumes; absent while Docker does not answer. */
	volumes?: string[];
}

type Host = Deployed["hosts"][number];

/** Checks an app host with one command there. @returns The states by service. */
export async function appStates({ services }: Deployed, { name, address, connection }: Host): Promise<Record<string, AppState>> {
	const script = services.map((service) => `(${serviceScript(service, name, address)}\n)\necho '${ending}'`).join("\n");
	const deadlineSeconds = services.reduce((sum, { health }) => sum + checkSeconds(health), 60);
	const outputs = (await execAsRoot(connection, script, { deadlineSeconds })).split(new RegExp(`^${ending}$`, "m"));
	return Object.fromEntries(services.map((service, i) => [service.name, readAppState(outputs[i] ?? "", service.health)]));
}

/** Marks the end of a service's output. */
const ending = "--";

function serviceScript(service: DeployedService, host: string, address: string): string {
	const isServing = service.nodes.some((node) => node.name === host);
	return [isServing ? servingScript(service, address) : "", scriptText("status/volumes", { service: service.name })].join("\n");
}

function servingScript({ name, published, health, peerPort }: DeployedService, address: string): string {
	const asked = askSettings(address, published, health, peerPort);
	return [scriptText("health/ask", asked), scriptText("status/app", { service: name })].join("\n");
}

/** Reads the output of the scripts. Pure. */
export function readAppState(output: string, health: Health): AppState {
	const lines = output.split("\n").map((line) => /^(\w+) ?(.*)$/.exec(line)?.slice(1) ?? []);
	const all = (kind: string) => lines.filter(([found]) => found === kind).map(([, rest = ""]) => rest);
	const [answer] = all("answer");
	const [agent] = all("agent");
	const hasTold = (kind: string) => all(kind).length > 0;
	return {
		...(answer !== undefined && {
			serving: {
				answer: readCheck(answer, health),
				...(agent !== undefined && { agent: readAgent(agent) }),
				...(hasTold("containers") && { containers: all("container").map(readContainer) }),
			},
		}),
		...(hasTold("volumes") && { volumes: all("volume") }),
	};
}

/** Reads `<exit status of curl> <the agent's answer>`. */
function readAgent(line: string): AgentReport | string {
	const [, exit = "", text = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
	if (Number(exit) !== 0) return curlProblem(Number(exit), agentSeconds);
	return readReport(text) ?? "what answers there is no agent";
}

/** Reads `<health> <ports as JSON>`: a port of the container that is not published has no bindings. */
function readContainer(line: string): { health: string; published: number[] } {
	const [, health = "", ports = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
	const bindings = Object.values((JSON.parse(ports) ?? {}) as Record<string, { HostPort?: string }[] | null>);
	return { health, published: bindings.flatMap((bound) => (bound ?? []).map(({ HostPort: port }) => Number(port))) };
}
