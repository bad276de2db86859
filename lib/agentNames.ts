import type { Health } from "./health.ts";

/*
 * Names that the TypeScript shares with the programs on the nodes (host/agents/). Settings reach the programs as arguments, or in a container's label. The
 * names themselves are repeated in the programs, and test/unit/agent/names.test.ts keeps the two equal.
 */

/** A process ignores SIGURG by default, so it only announces a stop. The agent sees it, drains, and then sends the image's own signal. */
export const announcement = "SIGURG";

/** systemd unit of the agent that drains a service's tasks on a node. */
export const drainUnit = (service: string) => `scaleout-drain-${service}`;

/** Chain with the rules that refuse new connections to a published port. It exists while the port is closed. */
export const gateChain = (port: number) => `SCALEOUT-DRAIN-${port}`;

/** Label of a task's container with its `TaskTerms` as JSON. */
export const termsLabel = "scaleout.task";

/**
 * What a node's agent must know about a task. It is on the task's own container, so that in a rollout old and new tasks are each treated by the
 * settings they were started with.
 */
export interface TaskTerms {
	/** Port in the container. */
	target: number;
	health: Health;
	/** Seconds that a new task must stay healthy before it gets requests. */
	settleSeconds: number;
	/** Seconds that a task that is to stop keeps serving while it waits for other nodes to serve again. */
	turnLimitSeconds: number;
	/** Seconds that requests in flight may take to end. */
	drainLimitSeconds: number;
	/** Seconds after a task's start during which its end counts as a failed update. */
	monitorSeconds: number;
	/** Seconds between the image's stop signal and SIGKILL. */
	stopGraceSeconds: number;
}
