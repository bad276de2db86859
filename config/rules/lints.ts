import type { Fault } from "../../lib/fault.ts";
import { leastConvergeSeconds } from "../../lib/rolloutTime.ts";
import { hostsWith, type Topology } from "../schema.ts";
import { lastTurnSeconds } from "./service.ts";

/** What works but is likely not meant. Shown as warnings. */
export function lints({ hosts, service, nginx }: Topology): Fault[] {
	const found: Fault[] = [];
	const managers = hostsWith({ hosts }, "manager").length;
	if (managers % 2 === 0)
		found.push({
			property: "hosts",
			value: managers,
			remedy: `${managers} managers survive no more losses than ${managers - 1}: use an odd number`,
		});
	if (service.stopGraceSeconds >= 60)
		found.push({
			property: "service.stopGraceSeconds",
			value: service.stopGraceSeconds,
			remedy: "Swarm waits one minute at most: use less than 60",
		});
	if (hostsWith({ hosts }, "app").length < 2) found.push({ property: "hosts", remedy: "one app node: an update interrupts the service" });
	const { health, rollout } = service;
	if (rollout.monitorSeconds < health.intervalSeconds) {
		found.push({
			property: "service.rollout.monitorSeconds",
			value: rollout.monitorSeconds,
			remedy: `shorter than health.intervalSeconds = ${health.intervalSeconds}: the health check has not looked again before a version is taken for good`,
		});
	}
	const least = leastConvergeSeconds(service, service.replicas);
	if (service.convergeSeconds !== undefined && service.publish.mode === "host" && service.convergeSeconds < least)
		found.push({
			property: "service.convergeSeconds",
			value: service.convergeSeconds,
			remedy: `a good rollout of ${service.replicas} nodes may take ${least} s (drain, start and delay of each) and would be reported as failed: raise it, or leave it out`,
		});
	const serving = Math.min(service.replicas, hostsWith({ hosts }, "app").length);
	const lastTurn = lastTurnSeconds(service, serving);
	// With an order it is refused.
	if (
		service.publish.mode === "host" &&
		rollout.strategy === "lossless" &&
		rollout.order.length === 0 &&
		rollout.turnLimitSeconds < lastTurn
	)
		found.push({
			property: "service.rollout.turnLimitSeconds",
			value: rollout.turnLimitSeconds,
			remedy: `${serving} nodes that are asked to stop at once take up to ${lastTurn} s, and the start of their tasks: the last ones would be drained together`,
		});
	if (service.publish.mode === "host" && rollout.strategy === "swarm")
		found.push({
			property: "service.rollout.strategy",
			value: "swarm",
			remedy: "requests fail while tasks are replaced: lossless is the way without",
		});
	if (nginx.tls?.acme && nginx.listen !== 80)
		found.push({
			property: "nginx.listen",
			value: nginx.listen,
			remedy: "the ACME server asks on port 80 of each name: it must lead to this port",
		});
	return found;
}
