import type { Health } from "./health.ts";

/*
 * Names that the TypeScript shares with the programs on the nodes (host/agents/). Settings are handed to the programs as arguments, or stand in a container's
 * label; the names themselves stand there once more, and test/unit/agent/names.test.ts holds the two together.
 */

/** SIGURG is ignored by whoever does not ask for it: a stop that only announces itself. The agent sees it, drains, and sends the image's own signal. */
export const announcement = "SIGURG";

/** systemd unit of the agent that drains a service's tasks on a node. */
export const drainUnit = (service: string) => `scaleout-drain-${service}`;

/** Chain of the rules that refuse new connections to a published port. It exists while the port is closed. */
export const gateChain = (port: number) => `SCALEOUT-DRAIN-${port}`;

/** Label of a task's container with its `TaskTerms` as JSON. */
export const termsLabel = "scaleout.task";

/**
 * What a node's agent has to know of a task. It stands on the task's own container, so that the old tasks and the new ones of a rollout are each
 * treated by what they were started with.
 */
export interface TaskTerms {
	/** Port in the container. */
	target: number;
	health: Health;
	/** Seconds for which a new task must have answered before it gets requests. */
	settleSeconds: number;
	/** Seconds a task that is to stop waits, serving, for other nodes to serve again. */
	turnLimitSeconds: number;
	/** Seconds requests in flight may take to end. */
	drainLimitSeconds: number;
	/** Seconds after its start in which the end of a task is a failed update. */
	monitorSeconds: number;
	/** Seconds between the image's stop signal and SIGKILL. */
	stopGraceSeconds: number;
}
