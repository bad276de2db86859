/** Whether the nodes' agents take nodes out before their tasks stop. */
export function isLossless({ publish, rollout }: { publish: { mode: string }; rollout: { strategy: string } }): boolean {
	return publish.mode === "host" && rollout.strategy === "lossless";
}

/** What the time of a rollout follows from; seconds, where nothing else is said. */
export interface Pace {
	/** How many are updated. */
	nodes: number;
	/** How many are updated at a time. */
	parallelism: number;
	/** Requests in flight may take this long to end, */
	drainSeconds: number;
	/** and the new task this long to serve. */
	startSeconds: number;
	/** Between one node and the next. */
	delaySeconds: number;
}

/** Seconds a rollout may take when every step takes as long as it may. Pure. */
export function rolloutSeconds({ nodes, parallelism, drainSeconds, startSeconds, delaySeconds }: Pace): number {
	return Math.ceil(nodes / Math.max(1, parallelism)) * (drainSeconds + startSeconds + delaySeconds);
}

/** What both the configuration and the provider know of a service. */
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
	// In an order nodes go one at a time.
	parallelism: rollout.order.length > 0 ? 1 : rollout.parallelism,
	drainSeconds: rollout.drainLimitSeconds + stopGraceSeconds,
	startSeconds: startSeconds + rollout.settleSeconds,
	delaySeconds: rollout.delaySeconds,
});

/** `service.convergeSeconds` where the configuration does not say it: what the slowest good rollout takes, and a quarter of an hour at least. Pure. */
export function defaultConvergeSeconds(service: Service, nodes: number): number {
	return Math.max(900, rolloutSeconds(paceOf(service, nodes, service.health.deadlineSeconds)) + service.rollout.monitorSeconds + 60);
}

/** Docker's health check sees a new task healthy as soon as that. */
const leastStartSeconds = 1;

/** Seconds below which a good rollout, of tasks that start at once, may be reported as failed. Pure. */
export function leastConvergeSeconds(service: Service, nodes: number): number {
	return rolloutSeconds(paceOf(service, nodes, leastStartSeconds));
}
