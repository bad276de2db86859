/** Whether agents close and drain nodes before their tasks stop. */
export function isLossless({ publish, rollout }: { publish: { mode: string }; rollout: { strategy: string } }): boolean {
	return publish.mode === "host" && rollout.strategy === "lossless";
}

/** What determines the duration of a rollout. All times in seconds. */
export interface Pace {
	/** Number of nodes that are updated. */
	nodes: number;
	/** Number of nodes that are updated at a time. */
	parallelism: number;
	/** Longest time for requests in flight to end, */
	drainSeconds: number;
	/** and for the new task to serve. */
	startSeconds: number;
	/** Pause between one node and the next. */
	delaySeconds: number;
}

/** Seconds that a rollout takes when every step takes as long as allowed. Pure. */
export function rolloutSeconds({ nodes, parallelism, drainSeconds, startSeconds, delaySeconds }: Pace): number {
	return Math.ceil(nodes / Math.max(1, parallelism)) * (drainSeconds + startSeconds + delaySeconds);
}

/** The part of a service that both the configuration and the provider know. */
interface Service {
	stopGraceSeconds: number;
	health: { deadlineSeconds: number };
	rollout: {
		parallelism: number;
		order: string[];
		drainLimitSeconds: number;
		settleSeconds: number;
		monitorSeconds: number;
		delaySeconds: number;
	};
}

const paceOf = ({ rollout, stopGraceSeconds }: Service, nodes: number, startSeconds: number): Pace => ({
	nodes,
	// With an order nodes go one at a time.
	parallelism: rollout.order.length > 0 ? 1 : rollout.parallelism,
	drainSeconds: rollout.drainLimitSeconds + stopGraceSeconds,
	startSeconds: startSeconds + rollout.settleSeconds,
	delaySeconds: rollout.delaySeconds,
});

/** Default of `convergeSeconds`: the time of the slowest good rollout, and at least a quarter of an hour. Pure. */
export function defaultConvergeSeconds(service: Service, nodes: number): number {
	return Math.max(900, rolloutSeconds(paceOf(service, nodes, service.health.deadlineSeconds)) + service.rollout.monitorSeconds + 60);
}

/** The earliest time at which Docker's health check sees a new task healthy. */
const leastStartSeconds = 1;

/** With a limit of fewer seconds, even a good rollout of tasks that start at once may be reported as failed. Pure. */
export function leastConvergeSeconds(service: Service, nodes: number): number {
	return rolloutSeconds(paceOf(service, nodes, leastStartSeconds));
}
