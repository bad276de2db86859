import { scriptText } from "../host/kit.ts";
import { type AgentReport, readReport } from "../lib/agentReport.ts";
import { type Answer, agentSeconds, askSettings, checkSeconds, curlProblem, type Health, readCheck } from "../lib/health.ts";
import { execAsRoot } from "../lib/ssh.ts";
import type { Deployed, DeployedService } from "./deployed.ts";

/** What a node does for requests, from three sides. */
export interface Serving {
	/** To the health request at the node's address and published port, as the load balancer sends its own. */
	answer: Answer;
	/** The agent's account, or why there is none; absent where no agent is meant to be. */
	agent?: AgentReport | string;
	/** The service's containers as Docker sees them; absent while it does not tell. */
	containers?: { health: string; published: number[] }[];
}

/** What a host has of a service. */
export interface AppState {
	/** Absent on a host that is to run no task. */
	serving?: Serving;
	/** Its volumes; absent while Docker does not tell. */
	volumes?: string[];
}

type Host = Deployed["hosts"][number];

/** Checks an app host by one command there. By service. */
export async function appStates({ services }: Deployed, { name, address, connection }: Host): Promise<Record<string, AppState>> {
	const script = services.map((service) => `(${serviceScript(service, name, address)}\n)\necho '${ending}'`).join("\n");
	const deadlineSeconds = services.reduce((sum, { health }) => sum + checkSeconds(health), 60);
	const outputs = (await execAsRoot(connection, script, { deadlineSeconds })).split(new RegExp(`^${ending}$`, "m"));
	return Object.fromEntries(services.map((service, i) => [service.name, readAppState(outputs[i] ?? "", service.health)]));
}

/** Ends what is printed of a service. */
const ending = "--";

function serviceScript(service: DeployedService, host: string, address: string): string {
	const isServing = service.nodes.some((node) => node.name === host);
	return [isServing ? servingScript(service, address) : "", scriptText("status/volumes", { service: service.name })].join("\n");
}

function servingScript({ name, published, health, peerPort }: DeployedService, address: string): string {
	const asked = askSettings(address, published, health, peerPort);
	return [scriptText("health/ask", asked), scriptText("status/app", { service: name })].join("\n");
}

/** What the scripts have printed. Pure. */
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

/** `<exit status of curl> <what the agent answered>`. */
function readAgent(line: string): AgentReport | string {
	const [, exit = "", text = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
	if (Number(exit) !== 0) return curlProblem(Number(exit), agentSeconds);
	return readReport(text) ?? "what answers there is no agent";
}

/** `<health> <ports as JSON>`: a port in the container that is not published has no bindings. */
function readContainer(line: string): { health: string; published: number[] } {
	const [, health = "", ports = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
	const bindings = Object.values((JSON.parse(ports) ?? {}) as Record<string, { HostPort?: string }[] | null>);
	return { health, published: bindings.flatMap((bound) => (bound ?? []).map(({ HostPort: port }) => Number(port))) };
}
