/** What a node's agent answers at `rollout.peerPort`, see host/agents/scaleout_agent.py. */
export interface AgentReport {
	/** `serving`; `waiting`: asked to stop, but serving until its turn comes; `closed`: refuses connections; `away`: no task here, and none expected. */
	state: string;
	/** Why the state is what it is. */
	reason: string;
	/** Remaining connections to the published port. */
	connections: number;
	/** Seconds for which the state has held. */
	seconds: number;
	/** Names of nodes whose agents this one cannot reach. */
	unreachable: string[];
}

/** Undefined if the answer is not an agent's. Pure. */
export function readReport(text: string): AgentReport | undefined {
	try {
		const { state, reason, connections, seconds, unreachable } = JSON.parse(text);
		if (typeof state !== "string") return undefined;
		return {
			state,
			reason: String(reason ?? ""),
			connections: Number(connections) || 0,
			seconds: Number(seconds) || 0,
			unreachable: Array.isArray(unreachable) ? unreachable.map(String) : [],
		};
	} catch {
		return undefined;
	}
}
