import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { isLossless } from "./spec.ts";

/** Changes that leave the tasks as they are. */
export const withoutRestart = ["managers", "clusterId", "registryAuth", "nodes", "replicas", "convergeSeconds"];

/** What an update of the service means for requests, in a line for the preview. Pure. */
export function disruption(changed: string[], olds: ServiceInputs & Partial<ServiceOutputs>, news: ServiceInputs): string | undefined {
	const causes = changed.filter((name) => !withoutRestart.includes(name));
	if (causes.length === 0) return undefined;
	const { rollout, nodes, publish } = news;
	const because = `${causes.join(", ")} replaces the tasks of ${news.name}`;
	if (publish.mode === "ingress") return `${because}: rolling update by Swarm, new tasks first; the routing mesh moves on to them`;
	const count = Array.isArray(nodes) ? `${nodes.length} nodes` : "all nodes";
	const first = rollout.order.length > 0 ? `, first ${rollout.order.join(", ")}` : "";
	const pace = `${rollout.parallelism} of ${count} at a time${first}`;
	const until = olds.observed?.asFound?.length
		? "a second, once, as the service was made by other means,"
		: `${rollout.drainLimitSeconds} s`;
	if (!isLossless(news)) return `${because}: rolling update by Swarm, ${pace}; requests to a node that is replaced fail`;
	return `${because}: lossless rolling update, ${pace}; no request fails, ${rollout.parallelism === 1 ? "one node less" : `${rollout.parallelism} nodes less`} serve meanwhile; what is in flight longer than ${until} is cut; on failure: ${rollout.failureAction}`;
}
