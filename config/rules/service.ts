import type { Fault } from "../../lib/fault.ts";
import { isLossless } from "../../lib/rollout.ts";
import { type HostConfig, hostsWith, type ServiceConfig, servicesOf, type Topology } from "../schema.ts";
import { publishing } from "./ports.ts";

/** Directories whose owner and mode this project must not change: the system's, and those that contain other directories. */
const systemDirectory =
	/^\/(bin|boot|dev|etc|lib\w*|proc|run|sbin|sys|usr)(\/|$)|^\/(home|media|mnt|opt|root|srv|tmp|var)$|^\/var\/(cache|lib|log|opt|spool|tmp)$/;

/** Rules for the services and their log directory. */
export function serviceFaults(topology: Topology): Fault[] {
	const services = servicesOf(topology);
	if (services.length === 0)
		return [{ property: "services", remedy: "names no service: give it one, such as babble-was, or leave it out" }];
	const apps = hostsWith(topology, "app");
	return [
		...services.flatMap((service) => [...faultsOf(service, topology, apps), ...orderFaults(service, apps)]),
		...logFaults(topology, services),
		...nameFaults(topology, services),
	];
}

/** A service's resources are named after it, so two services must not give the same resource name. */
function nameFaults({ hosts }: Topology, services: ServiceConfig[]): Fault[] {
	const taken = new Map<string, string>();
	return services.flatMap(({ name, secrets }) => {
		const of = [
			...Object.keys(secrets).map((file) => `secret ${name}-${file}`),
			...hosts.map((host) => `label ${name}-label-${host.name}`),
		];
		const other = of.map((made) => taken.get(made)).find(Boolean);
		for (const made of of) taken.set(made, name);
		return other
			? [{ property: `services.${name}`, remedy: `what is made for it would be named as for service ${other}: choose another name` }]
			: [];
	});
}

function faultsOf(service: ServiceConfig, { hosts, nginx }: Topology, apps: HostConfig[]): Fault[] {
	const at = `services.${service.name}`;
	const faults: Fault[] = [];
	const { mode, published } = service.publish;
	if (mode === "host" && service.replicas > apps.length) {
		faults.push({
			property: `${at}.replicas`,
			value: service.replicas,
			remedy: `in host mode a node runs one task, and ${apps.length} hosts have role app: lower it, or add app nodes`,
		});
	}
	if (published === nginx.listen && publishing({ hosts }, service).some(({ roles }) => roles.includes("balancer"))) {
		faults.push({
			property: "nginx.listen",
			value: nginx.listen,
			remedy: `service ${service.name} publishes this port on the same host: choose another`,
		});
	}
	if (isLossless(service)) faults.push(...losslessFaults(service, Math.min(service.replicas, apps.length)));
	for (const name of Object.keys(service.secretEnv)) {
		if (Object.hasOwn(service.env, name)) faults.push({ property: `${at}.env.${name}`, remedy: `is also in ${at}.secretEnv: keep one` });
	}
	return faults;
}

function orderFaults(service: ServiceConfig, apps: HostConfig[]): Fault[] {
	const at = `services.${service.name}`;
	const faults: Fault[] = [];
	if (service.rollout.order.length > 0 && !isLossless(service)) {
		faults.push({
			property: `${at}.rollout.order`,
			value: service.rollout.order,
			remedy: "the agents keep it, which there are in publish.mode host with strategy lossless only: leave it out, or use those",
		});
	}
	service.rollout.order.forEach((name, i) => {
		const property = `${at}.rollout.order[${i}]`;
		const place = apps.findIndex((app) => app.name === name);
		if (place < 0) faults.push({ property, value: name, remedy: "no host with role app has this name" });
		else if (place >= service.replicas)
			faults.push({
				property,
				value: name,
				remedy: `with ${at}.replicas = ${service.replicas} it gets no task: remove it, or raise replicas`,
			});
		else if (service.rollout.order.indexOf(name) < i) faults.push({ property, value: name, remedy: "stands there twice: remove one" });
	});
	if (service.rollout.order.length > 0 && service.rollout.parallelism > 1) {
		faults.push({
			property: `${at}.rollout.parallelism`,
			value: service.rollout.parallelism,
			remedy: "with rollout.order nodes go one at a time: use 1, or leave the order to Swarm",
		});
	}
	if (service.rollout.order.length > 0 && service.rollout.failureAction === "pause") {
		faults.push({
			property: `${at}.rollout.failureAction`,
			value: "pause",
			remedy: "with rollout.order all nodes are asked at once, so there is nothing to pause: use rollback, or leave the order to Swarm",
		});
	}
	return faults;
}

function logFaults({ logs }: Topology, services: ServiceConfig[]): Fault[] {
	const faults: Fault[] = [];
	const directories: [string, string][] = [["logs.path", logs.path]];
	for (const { name, mount } of services) if (mount.type === "bind") directories.push([`services.${name}.mount.source`, mount.source]);
	for (const [property, value] of directories) {
		if (systemDirectory.test(value))
			faults.push({
				property,
				value,
				remedy: "belongs to the system, and its owner and mode would be changed: name a directory of its own",
			});
	}
	if (logs.access === "network" && logs.clients.length === 0) {
		faults.push({
			property: "logs.clients",
			value: logs.clients,
			remedy: "access: network needs the client networks, such as 192.168.0.0/16",
		});
	}
	return faults;
}

/** Seconds until a node whose turn it is serves again, without the start of the new task. */
export function turnSeconds({ rollout, stopGraceSeconds }: Pick<ServiceConfig, "rollout" | "stopGraceSeconds">): number {
	return rollout.drainLimitSeconds + stopGraceSeconds + rollout.settleSeconds;
}

/** Seconds that the last serving node may wait for its turn when all are asked to stop at once, without the start of the new tasks. */
export function lastTurnSeconds(service: ServiceConfig, serving: number): number {
	const { parallelism, delaySeconds } = service.rollout;
	return (Math.ceil(serving / parallelism) - 1) * (turnSeconds(service) + delaySeconds);
}

/** Settings that prevent a lossless rollout. `serving`: number of nodes that serve. */
function losslessFaults(service: ServiceConfig, serving: number): Fault[] {
	const at = `services.${service.name}`;
	const { parallelism, drainLimitSeconds, turnLimitSeconds, order } = service.rollout;
	const faults: Fault[] = [];
	if (drainLimitSeconds + service.stopGraceSeconds >= 60) {
		faults.push({
			property: `${at}.rollout.drainLimitSeconds`,
			value: drainLimitSeconds,
			remedy: `with ${at}.stopGraceSeconds = ${service.stopGraceSeconds} it makes 60 or more, and Swarm waits one minute at most: lower one of them`,
		});
	}
	// With a single node an update is an interruption, and the preview says so.
	if (serving < 2) return faults;
	if (parallelism >= serving) {
		faults.push({
			property: `${at}.rollout.parallelism`,
			value: parallelism,
			remedy: `${serving} nodes serve, and none would during an update: use ${serving - 1} or less, or strategy swarm, which may lose requests`,
		});
	}
	const turn = turnSeconds(service);
	const last = lastTurnSeconds(service, serving);
	if (turnLimitSeconds < turn) {
		faults.push({
			property: `${at}.rollout.turnLimitSeconds`,
			value: turnLimitSeconds,
			remedy: `a node would be drained while another one, which may take ${turn} s (drainLimitSeconds, stopGraceSeconds and settleSeconds), does not serve yet: use ${turn} or more`,
		});
	} else if (order.length > 0 && turnLimitSeconds < last) {
		faults.push({
			property: `${at}.rollout.turnLimitSeconds`,
			value: turnLimitSeconds,
			remedy: `with rollout.order all ${serving} nodes are asked at once, the last one may have to wait for ${last} s and the start of the other tasks, and would be drained beside another: use more, or leave the order to Swarm`,
		});
	}
	return faults;
}
