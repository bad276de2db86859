import type { Fault } from "../../lib/fault.ts";
import { leastConvergeSeconds } from "../../lib/rollout.ts";
import { hostsWith, type ServiceConfig, servicesOf, type Topology } from "../schema.ts";
import { lastTurnSeconds } from "./service.ts";
import { routesTo } from "./sites.ts";

/** What works but is probably not intended. Shown as warnings. */
export function lints(topology: Topology): Fault[] {
	const { nginx } = topology;
	const found: Fault[] = [];
	const managers = hostsWith(topology, "manager").length;
	const apps = hostsWith(topology, "app").length;
	if (managers % 2 === 0)
		found.push({
			property: "hosts",
			value: managers,
			remedy: `${managers} managers survive no more losses than ${managers - 1}: use an odd number`,
		});
	if (apps < 2) found.push({ property: "hosts", remedy: "one app node: an update interrupts the service" });
	found.push(...servicesOf(topology).flatMap((service) => ofService(service, apps)));
	for (const { name } of servicesOf(topology))
		if (routesTo(topology, name).length === 0) found.push({ property: `services.${name}`, remedy: "no route of nginx.sites leads to it" });
	if (nginx.tls?.acme && nginx.listen !== 80)
		found.push({
			property: "nginx.listen",
			value: nginx.listen,
			remedy: "the ACME server asks on port 80 of each name: it must lead to this port",
		});
	return found;
}

/** `apps`: number of app nodes. */
function ofService(service: ServiceConfig, apps: number): Fault[] {
	const at = `services.${service.name}`;
	const { health, rollout } = service;
	const found: Fault[] = [];
	if (service.stopGraceSeconds >= 60)
		found.push({
			property: `${at}.stopGraceSeconds`,
			value: service.stopGraceSeconds,
			remedy: "Swarm waits one minute at most: use less than 60",
		});
	if (rollout.monitorSeconds < health.intervalSeconds) {
		found.push({
			property: `${at}.rollout.monitorSeconds`,
			value: rollout.monitorSeconds,
			remedy: `shorter than health.intervalSeconds = ${health.intervalSeconds}: the health check has not looked again before a version is taken for good`,
		});
	}
	const least = leastConvergeSeconds(service, service.replicas);
	if (service.convergeSeconds !== undefined && service.publish.mode === "host" && service.convergeSeconds < least)
		found.push({
			property: `${at}.convergeSeconds`,
			value: service.convergeSeconds,
			remedy: `a good rollout of ${service.replicas} nodes may take ${least} s (drain, start and delay of each) and would be reported as failed: raise it, or leave it out`,
		});
	const serving = Math.min(service.replicas, apps);
	const lastTurn = lastTurnSeconds(service, serving);
	// With an order it is a fault, not a warning.
	if (
		service.publish.mode === "host" &&
		rollout.strategy === "lossless" &&
		rollout.order.length === 0 &&
		rollout.turnLimitSeconds < lastTurn
	)
		found.push({
			property: `${at}.rollout.turnLimitSeconds`,
			value: rollout.turnLimitSeconds,
			remedy: `${serving} nodes that are asked to stop at once take up to ${lastTurn} s, and the start of their tasks: the last ones would be drained together`,
		});
	if (service.publish.mode === "host" && rollout.strategy === "swarm")
		found.push({
			property: `${at}.rollout.strategy`,
			value: "swarm",
			remedy: "requests fail while tasks are replaced: lossless is the way without",
		});
	return found;
}
