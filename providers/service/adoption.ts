import { parseReference, withoutTag } from "../../lib/imageReference.ts";
import { ownerLabel, type Task } from "../../lib/swarm.ts";
import { sameValue } from "../define.ts";
import { differences } from "./compare.ts";
import type { Act, Found, Request } from "./plan.ts";
import type { ServiceInputs, ServiceMount } from "./resource.ts";
import { type ServiceSpec, serviceSpec } from "./spec.ts";
import { hasEnded } from "./tasks.ts";

/*
 * Takes over a service made by other means, as it runs. Its tasks stay. What the stack adds to a task (health check, announced stop, host name,
 * hashed volume name) comes with the first rollout. The service must already match the configuration: a difference would be lost, or need new tasks.
 */

/** Takes over a service that no stack owns. On one already taken over, applies what needs no new task. Pure. */
export function adoptionPlan(service: Found, tasks: Task[], inputs: ServiceInputs, { hasNewLogin }: Pick<Request, "hasNewLogin">): Act[] {
	const why = service.Spec.Labels?.[ownerLabel] === inputs.owner ? undefined : refusal(service, tasks, inputs);
	if (why) return [{ kind: "refuse", why }];
	return [{ kind: "takeOver", ...(hasNewLogin && inputs.registryAuth && { though: "login" as const }) }];
}

/** Why the service may not be taken over, or cannot be without a new task. */
function refusal(service: Found, tasks: Task[], inputs: ServiceInputs): string | undefined {
	const owner = service.Spec.Labels?.[ownerLabel];
	const named = `services.${inputs.name}`;
	if (owner) return `${named}: the swarm has a service of this name of stack ${owner}: choose another name, or remove it`;
	if (service.ID !== inputs.adopt)
		return `${named}: the swarm has a service of this name made by other means: set ${named}.adopt to its ID, ${service.ID}, to take it over, or choose another name, or remove it`;
	const elsewhere = tasks.filter((task) => !hasEnded(task) && !inputs.nodes.some(({ nodeId }) => nodeId === task.NodeID));
	const lines = [
		...adoptionDifferences(service.Spec, inputs),
		...elsewhere.map(({ NodeID }) => `a task runs on node ${NodeID}, which is no app host that serves in the configuration`),
	];
	if (lines.length === 0) return undefined;
	return [
		`${named}.adopt = "${service.ID}": ${inputs.name} differs from the configuration in what would be lost, or needs new tasks:`,
		...lines,
	]
		.join("\n  ")
		.concat("\nconfigure what it has; what is to change can change once the service is taken over");
}

/** A service created as replicated stays so when it is taken over. */
export function keepsNoOrder({ Mode: mode }: ServiceSpec, { name, publish, rollout: { order } }: ServiceInputs): string[] {
	if ("Global" in mode || publish.mode !== "host" || order.length === 0) return [];
	return [
		`services.${name}.rollout.order = ${shown(order)}: it was made as a replicated service, which keeps no order of nodes: leave it out`,
	];
}

/** The part of a container's spec that is read here. What was never set is absent. */
interface Container {
	Image: string;
	Env?: string[];
	Mounts?: { Type: string; Source?: string; Target: string; VolumeOptions?: { DriverConfig?: { Options?: Record<string, string> } } }[];
	Secrets?: { File?: { Name: string } }[];
	User?: string;
	[property: string]: unknown;
}

/** Properties that the configuration has too, or that the stack replaces without loss. */
const described = ["Image", "Env", "Mounts", "Secrets", "User", "Hostname", "StopSignal", "StopGracePeriod", "Healthcheck"];
/** Properties that the docker command line writes into every service. */
const harmless = ["Init", "DNSConfig", "Isolation", "Labels", "TTY", "OpenStdin", "ReadOnly", "Privileges", "OomScoreAdj"];
const describedOfTasks = ["ContainerSpec", "Resources", "RestartPolicy", "Placement", "ForceUpdate", "Runtime"];

/** Differences from the configuration that need new tasks, or that a rollout would remove; one line each. Pure. */
export function adoptionDifferences(found: ServiceSpec, inputs: ServiceInputs): string[] {
	const { ContainerSpec, Resources: resources = {}, ...template } = found.TaskTemplate;
	const container = ContainerSpec as Container;
	const limits = { cpus: (resources.Limits?.NanoCPUs ?? 0) / 1e9, memoryMiB: (resources.Limits?.MemoryBytes ?? 0) / 1024 / 1024 };
	const ports = (found.EndpointSpec?.Ports ?? []).map(({ Protocol, TargetPort: target, PublishedPort: published, PublishMode: mode }) => ({
		mode,
		target,
		published,
		...(Protocol !== "tcp" && { protocol: Protocol }),
	}));
	const isGlobal = "Global" in found.Mode;
	const replicas = "Replicated" in found.Mode ? found.Mode.Replicated.Replicas : undefined;
	const differs = differsAt(`services.${inputs.name}`);
	return [
		...differs("publish", ports, [inputs.publish]),
		...(isGlobal && inputs.publish.mode === "ingress" ? ["it is global: with publish.mode = ingress it could only be recreated"] : []),
		...(isGlobal ? [] : differs("replicas", replicas, inputs.replicas)),
		...keepsNoOrder(found, inputs),
		...imageDiffers(container.Image, inputs),
		...environmentDiffers(container.Env ?? [], inputs),
		...differs(
			"secrets",
			(container.Secrets ?? []).map(({ File: file }) => file?.Name).sort(),
			inputs.secrets.map(({ file }) => file).sort(),
		),
		...differs("mount", (container.Mounts ?? []).map(mountFound), [mountWanted(inputs.mount)]),
		...differs("user", container.User || undefined, inputs.user),
		...differs("cpus", limits.cpus || undefined, inputs.cpus),
		...differs("memoryMiB", limits.memoryMiB || undefined, inputs.memoryMiB),
		...unknownOf("ContainerSpec.", container, [...described, ...harmless]),
		...unknownOf("", template, describedOfTasks),
		...unknownOf("Resources.", resources, ["Limits"]),
		...Object.keys(found.Labels ?? {})
			.filter((label) => label !== ownerLabel)
			.map((label) => `label ${label}: the configuration has no labels of services`),
	];
}

const differsAt = (section: string) => (property: string, has: unknown, configured: unknown) =>
	sameValue(has, configured) ? [] : [`${section}.${property} is ${shown(has)} there, ${shown(configured)} in the configuration`];

const shown = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value));

/** Properties that are set and that the configuration does not have. */
function unknownOf(section: string, found: object, known: string[]): string[] {
	return Object.entries(found)
		.filter(([key, value]) => !known.includes(key) && !isEmpty(value))
		.map(([key]) => `${section}${key} is set there: the configuration has no property for it`);
}

const isEmpty = (value: unknown) =>
	value === null || value === undefined || value === "" || (typeof value === "object" && Object.keys(value).length === 0);

/** An image without a digest (the command line could not reach a registry) can only be compared by its name. */
function imageDiffers(found: string, { name, image: wanted }: ServiceInputs): string[] {
	const differs = differsAt(`services.${name}`);
	const [has, wants] = [parseReference(found), parseReference(wanted)];
	return has.digest ? differs("image", withoutTag(found), wanted) : differs("image", has.repository, wants.repository);
}

/** Names only in the result: values may be secrets. */
function environmentDiffers(found: string[], inputs: ServiceInputs): string[] {
	const at = `services.${inputs.name}`;
	const wanted: Record<string, string> = { ...inputs.env, ...inputs.secretEnv };
	const has = Object.fromEntries(found.map((line) => [line.replace(/=.*/s, ""), line.replace(/^[^=]*=/s, "")]));
	const names = [...new Set([...Object.keys(has), ...Object.keys(wanted)])].sort();
	return names.flatMap((name) => {
		if (!(name in wanted)) return [`environment variable ${name} is set there, and not in ${at}.env or ${at}.secretEnv`];
		const property = `${at}.${name in inputs.secretEnv ? "secretEnv" : "env"}.${name}`;
		if (!(name in has)) return [`${property} is not set there`];
		return has[name] === wanted[name] ? [] : [`${property} has another value there`];
	});
}

/** Mount options may differ: the first rollout creates a new volume. The place it writes to may not. */
function mountFound({ Type: type, Source: source, Target: target, VolumeOptions: options }: NonNullable<Container["Mounts"]>[number]) {
	const { device, o = "" } = options?.DriverConfig?.Options ?? {};
	return type === "volume" ? { type, target, device, server: serverOf(o) } : { type, target, source };
}

function mountWanted(mount: ServiceMount) {
	const { type, target } = mount;
	return mount.type === "volume"
		? { type, target, device: mount.device, server: serverOf(mount.options) }
		: { type, target, source: mount.source };
}

const serverOf = (options: string) => /(?:^|,)addr=([^,]+)/.exec(options)?.[1];

/** The spec that takes the service over: everything about its tasks stays as found. Pure. */
export function adoptedSpec(found: ServiceSpec, inputs: ServiceInputs): ServiceSpec {
	const { TaskTemplate, EndpointSpec } = found;
	return { ...serviceSpec(inputs, found.Mode), TaskTemplate, EndpointSpec };
}

/** Paths where the spec stays as found, instead of as configured. Pure. */
export function inheritedPaths(found: ServiceSpec, inputs: ServiceInputs): string[] {
	return differences(adoptedSpec(found, inputs), serviceSpec(inputs, found.Mode));
}
