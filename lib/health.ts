/**
 * The one definition of a healthy task. Docker's own check (providers/service/healthcheck.ts), the node's agent (host/agents/scaleout_health.py), `up`, a
 * refresh and `npm run status` (host/steps/health/ask.sh) send the same request and judge the answer in the same way:
 *
 * - GET, HTTP/1.1, the Host header as configured, directly to the address: no proxy, whatever the environment says, and no name look-up;
 * - the status line decides. It must come within `timeoutSeconds` of the start. The body does not matter. A 1xx is not an answer yet;
 * - a redirect is an answer like any other and is not followed: it is healthy if its status is in the list.
 */
export interface Health {
	/** Path to request, by GET. */
	path: string;
	/** HTTP statuses that mean healthy. */
	status: number[];
	/** The request's Host header. */
	host: string;
	/** Seconds the answer may take. */
	timeoutSeconds: number;
}

/** An HTTP status, or why there is none. */
export type Answer = { status: number } | { problem: string };

/** The request's User-Agent: it distinguishes these requests from clients' in the application's log. */
export const userAgent = "scaleout";

/** Seconds a node's agent may take to answer. */
export const agentSeconds = 5;

/** The request, as variables of host/steps/health/ask.sh. `peerPort`: port of the node's agent, if there is one. */
export function askSettings(address: string, port: number, { path, host, timeoutSeconds }: Health, peerPort?: number) {
	const asked = { address, port, path, host, seconds: timeoutSeconds, user_agent: userAgent };
	return { ...asked, agent_seconds: agentSeconds, peer_port: peerPort ? String(peerPort) : "" };
}

/** Seconds that a check on a host may take, connection included. */
export const checkSeconds = ({ timeoutSeconds }: Health) => timeoutSeconds + 30;

/** The answer in a line printed by `ask_service`. Pure. @throws Error when it is not such a line. */
export function readCheck(line: string, { timeoutSeconds }: Health): Answer {
	const match = /^(?:(\d{3}) )?(\d+)$/.exec(line.trim());
	if (!match) throw new Error(`no answer of a check: ${line}`);
	const [status, exit] = [Number(match[1] ?? 0), Number(match[2])];
	// curl continues with the body, which may break off or never end; the status has come anyway.
	if (status >= 200) return { status };
	return { problem: curlProblem(exit, timeoutSeconds) };
}

const refused = "connection refused";

/** Whether nothing listens on the port, or the node is closed. Pure. */
export const isRefused = (answer: Answer): boolean => "problem" in answer && answer.problem === refused;

/** The meaning of curl's exit status. See curl(1), "EXIT CODES". Pure. */
export function curlProblem(exit: number, timeoutSeconds: number): string {
	const problems: Record<number, string> = {
		1: "no HTTP in the answer",
		7: refused,
		28: `no answer within ${timeoutSeconds} s`,
		52: "closed without an answer",
		56: "closed without an answer",
		127: "there is no curl to ask with",
	};
	return problems[exit] ?? `curl ended with status ${exit}`;
}

/** Whether the answer means healthy. Pure. */
export function isHealthyAnswer(answer: Answer, { status }: Pick<Health, "status">): boolean {
	return "status" in answer && status.includes(answer.status);
}

/** The answer in words, such as "answers 302" or "no answer within 6 s". Pure. */
export function describeAnswer(answer: Answer): string {
	return "status" in answer ? `answers ${answer.status}` : answer.problem;
}
