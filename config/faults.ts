import { RunError } from "@pulumi/pulumi";
import type { z } from "zod";
import { type HostConfig, type Role, type Topology, topologySchema } from "./schema.ts";

/** One thing that is wrong with the configuration. */
export interface Fault {
	/** Path of the property: `hosts[2].address`. */
	property: string;
	/** The offending value as written; absent when there is none or it may be secret. */
	value?: unknown;
	/** What is wrong, and what to write instead. */
	remedy: string;
}

/** All faults at once, so that one look mends all. A RunError, so that the engine shows the message without a stack trace. */
export class ConfigError extends RunError {
	readonly faults: Fault[];
	constructor(faults: Fault[]) {
		super(`the configuration has ${faults.length} fault${faults.length === 1 ? "" : "s"}:\n${faults.map(describeFault).join("\n")}`);
		this.name = "ConfigError";
		this.faults = faults;
	}
}

function describeFault({ property, value, remedy }: Fault): string {
	return `  - ${property}${value === undefined ? "" : ` = ${JSON.stringify(value)}`}: ${remedy}`;
}

/** Validates raw configuration. @throws ConfigError with every fault. */
export function parseTopology(raw: Record<string, unknown>): Topology {
	const parsed = topologySchema.safeParse(raw);
	if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => shapeFaults(issue, raw)));
	const faults = [...hostFaults(parsed.data), ...sourceFaults(parsed.data), ...serviceFaults(parsed.data), ...nginxFaults(parsed.data)];
	if (faults.length > 0) throw new ConfigError(faults);
	return parsed.data;
}

/** Faults of shape, from the schema's issues. */
function shapeFaults(issue: z.core.$ZodIssue, raw: unknown): Fault[] {
	const property = pathOf(issue.path) || "configuration";
	const found = valueAt(raw, issue.path);
	const isSecret = secretPaths.test(property);
	const value = isSecret ? undefined : shown(found);
	switch (issue.code) {
		case "unrecognized_keys":
			return issue.keys.map((key) => ({
				property: pathOf([...issue.path, key]),
				remedy: `unknown key: remove it, or use one of ${knownKeys(issue.path).join(", ")}`,
			}));
		case "invalid_value":
			return [{ property, value, remedy: `use one of ${issue.values.map(String).join(", ")}` }];
		case "invalid_type":
			if (found === undefined) return [{ property, remedy: `is missing: give a value of type ${issue.expected}` }];
			// A text where a structure belongs is a section that could not be parsed: it may hold anything.
			if (["object", "record", "array"].includes(issue.expected))
				return [{ property, remedy: `use a value of type ${issue.expected}; is it valid YAML or JSON?` }];
			return [{ property, value, remedy: `use a value of type ${issue.expected}` }];
		case "invalid_union":
			return [{ property, value, remedy: unionRemedy(issue, property, isSecret) }];
		case "invalid_key":
			return [{ property, remedy: `this name is not possible: ${issue.issues[0]?.message ?? issue.message}` }];
		default:
			return [{ property, value, remedy: issue.message }];
	}
}

function unionRemedy(issue: z.core.$ZodIssueInvalidUnion, property: string, isSecret: boolean): string {
	if (property.endsWith(".type")) return "use volume or bind";
	if (isSecret) return "use a string, or {fromEnvironment: NAME}";
	return [...new Set(issue.errors.flat().map(({ message }) => message))].join("; or: ");
}

/** Where a value may be secret, it is not repeated in an error. */
const secretPaths = /(^|\.)(secretEnv|secrets|password|privateKey|privateKeyFile)(\.|$|\[)/;

function hostFaults({ hosts, registry, image }: Topology): Fault[] {
	const faults: Fault[] = [];
	for (const property of ["name", "address"] as const) {
		const first = new Map<string, number>();
		hosts.forEach((host, i) => {
			const earlier = first.get(host[property]);
			if (earlier === undefined) first.set(host[property], i);
			else
				faults.push({
					property: `hosts[${i}].${property}`,
					value: host[property],
					remedy: `is also hosts[${earlier}].${property}: each host needs its own`,
				});
		});
	}
	hosts.forEach((host, i) => {
		const property = `hosts[${i}].roles`;
		const has = (role: Role) => host.roles.includes(role);
		if (has("manager") && has("worker"))
			faults.push({ property, value: host.roles, remedy: "a node is a manager or a worker: remove one" });
		if (has("app") && !has("manager") && !has("worker"))
			faults.push({ property, value: host.roles, remedy: "an app node is in the swarm: add manager or worker" });
	});
	const count = (role: Role) => hostsWith({ hosts }, role).length;
	if (count("manager") === 0) faults.push({ property: "hosts", remedy: "no host has role manager: give it to one, or to three" });
	if (count("app") === 0) faults.push({ property: "hosts", remedy: "no host has role app: give it to the nodes that run the service" });
	for (const role of ["log", "nginx"] as const) {
		if (count(role) !== 1)
			faults.push({ property: "hosts", value: count(role), remedy: `${count(role)} hosts have role ${role}: give it to exactly one` });
	}
	if (count("registry") > 1)
		faults.push({ property: "hosts", value: count("registry"), remedy: "several hosts have role registry: give it to one at most" });
	if (image.build?.baseArchive && !image.build.args.BASE_IMAGE) {
		faults.push({ property: "image.build.args.BASE_IMAGE", remedy: "is missing: baseArchive is imported under this name" });
	}
	if (image.build && count("registry") === 0 && !registry.password) {
		faults.push({ property: "registry.password", remedy: "is missing: pushing to a registry outside this stack needs it" });
	}
	return faults;
}

function sourceFaults({ source, hosts, local, existing }: Topology): Fault[] {
	const faults: Fault[] = [];
	if (source === "existing") {
		hosts.forEach((host, i) => {
			if (!host.ssh) faults.push({ property: `hosts[${i}].ssh`, remedy: "is missing: an existing host needs at least its hostKey" });
			else if (!host.ssh.privateKeyFile && !existing.privateKeyFile) {
				faults.push({
					property: `hosts[${i}].ssh.privateKeyFile`,
					remedy: "is missing: name it here, or for all hosts in existing.privateKeyFile",
				});
			}
			const bastion = host.ssh?.bastion;
			if (bastion && !hosts.some(({ name, ssh }) => name === bastion && name !== host.name && !ssh?.bastion)) {
				faults.push({
					property: `hosts[${i}].ssh.bastion`,
					value: bastion,
					remedy: "name another host of the inventory that is reached directly",
				});
			}
		});
	} else {
		const last = local.sshPortBase + hosts.length - 1;
		if (last > 65535)
			faults.push({
				property: "local.sshPortBase",
				value: local.sshPortBase,
				remedy: `${hosts.length} machines need ports up to ${last}: choose a lower one`,
			});
		if (local.endpointPort >= local.sshPortBase && local.endpointPort <= last) {
			faults.push({
				property: "local.endpointPort",
				value: local.endpointPort,
				remedy: `lies among the sshd ports ${local.sshPortBase} to ${last}: choose another`,
			});
		}
		hosts.forEach((host, i) => {
			if (host.ssh) faults.push({ property: `hosts[${i}].ssh`, remedy: "is for existing hosts: remove it, a local machine gets its own" });
		});
	}
	return faults;
}

function serviceFaults({ hosts, service, logs, nginx }: Topology): Fault[] {
	const faults: Fault[] = [];
	const apps = hostsWith({ hosts }, "app");
	const { mode, published } = service.publish;
	if (mode === "host" && service.replicas > apps.length) {
		faults.push({
			property: "service.replicas",
			value: service.replicas,
			remedy: `in host mode a node runs one task, and ${apps.length} hosts have role app: lower it, or add app nodes`,
		});
	}
	if (published === nginx.listen && apps.some((app) => app.roles.includes("nginx"))) {
		faults.push({
			property: "nginx.listen",
			value: nginx.listen,
			remedy: "the service publishes this port on the same host: choose another",
		});
	}
	const { strategy, drainLimitSeconds } = service.rollout;
	if (mode === "host" && strategy === "lossless" && drainLimitSeconds + service.stopGraceSeconds >= 60) {
		faults.push({
			property: "service.rollout.drainLimitSeconds",
			value: drainLimitSeconds,
			remedy: `with service.stopGraceSeconds = ${service.stopGraceSeconds} it makes 60 or more, and Swarm waits one minute at most: lower one of them`,
		});
	}
	if (logs.access === "network" && logs.clients.length === 0) {
		faults.push({
			property: "logs.clients",
			value: logs.clients,
			remedy: "access: network needs the client networks, such as 192.168.0.0/16",
		});
	}
	for (const name of Object.keys(service.secretEnv)) {
		if (Object.hasOwn(service.env, name))
			faults.push({ property: `service.env.${name}`, remedy: "is also in service.secretEnv: keep one" });
	}
	return faults;
}

function nginxFaults({ hosts, nginx }: Topology): Fault[] {
	const faults: Fault[] = [];
	if (nginx.method === "hash" && !nginx.hashKey)
		faults.push({ property: "nginx.hashKey", remedy: "is missing: method hash needs a key, such as $request_uri" });
	if (nginx.method !== "hash" && nginx.hashKey)
		faults.push({
			property: "nginx.hashKey",
			value: nginx.hashKey,
			remedy: `method ${nginx.method} takes none: remove it, or use method hash`,
		});
	for (const [name, weight] of Object.entries(nginx.weights)) {
		if (!hostsWith({ hosts }, "app").some((host) => host.name === name)) {
			faults.push({ property: `nginx.weights.${name}`, value: weight, remedy: "no host with role app has this name" });
		}
	}
	return faults;
}

/** What works but is likely not meant. Shown as warnings. */
export function lints({ hosts, service }: Topology): Fault[] {
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
	if (service.publish.mode === "host" && rollout.strategy === "swarm")
		found.push({
			property: "service.rollout.strategy",
			value: "swarm",
			remedy: "requests fail while tasks are replaced: lossless is the way without",
		});
	return found;
}

export function hostsWith({ hosts }: Pick<Topology, "hosts">, role: Role): HostConfig[] {
	return hosts.filter((host) => host.roles.includes(role));
}

const pathOf = (path: readonly PropertyKey[]) =>
	path
		.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
		.join("")
		.replace(/^\./, "");

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], raw);
}

/** A whole section would hide the fault, and might hold a secret. */
const shown = (value: unknown) => (typeof value === "object" ? undefined : value);

function knownKeys(path: readonly PropertyKey[]): string[] {
	let schemas: Node[] = unwrapped(topologySchema);
	for (const part of path)
		schemas = schemas.flatMap((schema) => unwrapped(typeof part === "number" ? schema.element : schema.shape?.[String(part)]));
	return [...new Set(schemas.flatMap(({ shape }) => Object.keys(shape ?? {})))];
}

interface Node {
	shape?: Record<string, unknown>;
	element?: unknown;
	options?: unknown[];
	unwrap?: () => unknown;
	def?: { type: string };
}

/** The schemas behind defaults, optional marks and unions. */
function unwrapped(schema: unknown): Node[] {
	const node = schema as Node | undefined;
	if (!node) return [];
	if (node.options) return node.options.flatMap(unwrapped);
	return ["optional", "default", "prefault"].includes(node.def?.type ?? "") ? unwrapped(node.unwrap?.()) : [node];
}
