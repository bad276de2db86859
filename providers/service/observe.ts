import type Docker from "dockerode";
import { orUndefined } from "../../lib/swarm.ts";
import { sameValue } from "../define.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { type ServiceSpec, serviceSpec } from "./spec.ts";
import { tasksOf } from "./tasks.ts";

type Observed = ServiceOutputs["observed"];

/**
 * What the swarm says of the service now; undefined when it is gone. `differs` names what someone changed by hand, without values. `asFound`: what
 * is still as it was when the service was taken over, see adoption.ts.
 */
export async function observe(manager: Docker, id: string, inputs: ServiceInputs, asFound: string[] = []): Promise<Observed | undefined> {
	const service = await orUndefined(manager.getService(id).inspect());
	if (!service) return undefined;
	const tasks = await tasksOf(manager, id);
	const update = service.UpdateStatus?.State ?? "";
	const spec = comparable(service.Spec);
	const changed = differences(spec, serviceSpec(inputs, spec.Mode)).filter((path) => !asFound.includes(path));
	return {
		image: asFound.includes(imagePath) ? inputs.image : spec.TaskTemplate.ContainerSpec.Image,
		running: tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running").length,
		differs: [...changed.sort(), ...(update.endsWith("paused") ? [`UpdateStatus: ${update}`] : [])],
		...(asFound.length > 0 && { asFound }),
	};
}

const imagePath = "TaskTemplate.ContainerSpec.Image";

/** The spec without what makes no difference: the order of variables, and the tag that others leave beside a digest. Pure. */
export function comparable(spec: ServiceSpec): ServiceSpec {
	const { ContainerSpec: container } = spec.TaskTemplate;
	const { Env: env } = container as { Env?: string[] };
	const same = { ...container, Image: withoutTag(container.Image), ...(env && { Env: env.toSorted() }) };
	return { ...spec, TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: same } };
}

/** The same reference without the tag, which says nothing beside a digest. */
export const withoutTag = (image: string) => image.replace(/:[^:/@]+@/, "@");

/** Where `found` lacks or contradicts what `wanted` says, as paths; Swarm adds defaults of its own. Pure. */
export function differences(found: unknown, wanted: unknown, path = ""): string[] {
	const isObject = wanted !== null && typeof wanted === "object";
	// An empty list or section is what Swarm leaves out.
	if (isObject && Object.keys(wanted).length === 0) return Array.isArray(wanted) && Array.isArray(found) && found.length > 0 ? [path] : [];
	if (!isObject) return sameValue(found, wanted) || (wanted === 0 && found === undefined) ? [] : [path];
	if (found === null || typeof found !== "object") return [path];
	// Of a list it is enough to say that it differs.
	if (Array.isArray(wanted)) {
		const isSame =
			Array.isArray(found) && found.length === wanted.length && wanted.every((item, i) => differences(found[i], item).length === 0);
		return isSame ? [] : [path];
	}
	return Object.entries(wanted).flatMap(([key, value]) =>
		differences((found as Record<string, unknown>)[key], value, path ? `${path}.${key}` : key),
	);
}

/** Whether everything that `wanted` says stands in `found`. Pure. */
export function covers(found: unknown, wanted: unknown): boolean {
	return differences(found, wanted, "spec").length === 0;
}
