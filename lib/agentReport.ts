/** What a node's agent answers at `rollout.peerPort`, see host/agents/scaleout_agent.py. */
export interface AgentReport {
	/** `serving`; `waiting`: serving, and asked to stop, until its turn comes; `closed`: nobody gets in; `away`: no task here, and none expected. */
	state: string;
	/** Why the state is what it is. */
	reason: string;
	/** Connections to the published port that are left. */
	connections: number;
	/** Seconds for which the state has held. */
	seconds: number;
	/** Names of nodes whose agents it cannot reach. */
	unreachable: string[];
}

/** Undefined where what answered is no agent. Pure. */
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
