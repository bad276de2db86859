import type { Fault } from "../../lib/fault.ts";
import { sentAgainSeconds } from "../../lib/nginx.ts";
import { hostsWith, type Topology } from "../schema.ts";

/** Rules for the load balancer. */
export function nginxFaults({ hosts, nginx }: Topology): Fault[] {
	const faults: Fault[] = [];
	if (nginx.method === "hash" && !nginx.hashKey)
		faults.push({ property: "nginx.hashKey", remedy: "is missing: method hash needs a key, such as $request_uri" });
	if (nginx.method !== "hash" && nginx.hashKey)
		faults.push({
			property: "nginx.hashKey",
			value: nginx.hashKey,
			remedy: `method ${nginx.method} takes none: remove it, or use method hash`,
		});
	const nodes = hostsWith({ hosts }, "app").length;
	const again = sentAgainSeconds(nginx, nodes);
	if (!nginx.requestBuffering && nodes > 1 && nginx.readTimeoutSeconds <= again) {
		faults.push({
			property: "nginx.readTimeoutSeconds",
			value: nginx.readTimeoutSeconds,
			remedy: `without nginx.requestBuffering a request that breaks within ${again} s is sent to another node, and one that is slow must not be: use more than that, or a smaller nginx.connectTimeoutSeconds`,
		});
	}
	for (const [name, weight] of Object.entries(nginx.weights)) {
		if (!hostsWith({ hosts }, "app").some((host) => host.name === name)) {
			faults.push({ property: `nginx.weights.${name}`, value: weight, remedy: "no host with role app has this name" });
		}
	}
	return faults;
}
