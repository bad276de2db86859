import { withoutTag } from "../../lib/imageReference.ts";
import { sameValue } from "../define.ts";
import { startInterval } from "./healthcheck.ts";

/*
 * Compares specs exactly, in both directions: what is wanted and missing, and what is there and not wanted. What makes no difference to Swarm is
 * removed from both first. Pure.
 */

/** Label on the service; a change of it cancels Swarm's own updater, see specToWrite. */
export const attemptLabel = "scaleout.attempt";

/** Values that Swarm fills in where nothing was set. Zero, false, "" and empty values equal an absent one, so they need no entry. */
const filledIn: Record<string, unknown> = {
	"EndpointSpec.Mode": "vip",
	"TaskTemplate.Runtime": "container",
	"TaskTemplate.ContainerSpec.Isolation": "default",
	// Managers that do not know it drop it.
	"TaskTemplate.ContainerSpec.Healthcheck.StartInterval": startInterval,
};

/** Lists whose order does not matter. `docker service update` sorts some of them. */
const unordered = [
	"CapabilityAdd",
	"CapabilityDrop",
	"Configs",
	"Constraints",
	"Env",
	"Groups",
	"Mounts",
	"Networks",
	"Ports",
	"Secrets",
	"Ulimits",
];

/** Maps with free names and values: there an empty value counts. */
const maps = ["Labels", "Options", "Sysctls"];

type Props = Record<string, unknown>;

/** A part of a spec, without what makes no difference; undefined when nothing is left. */
export function normal(value: unknown, path = ""): unknown {
	const key = path.split(".").at(-1) ?? "";
	if (path in filledIn && value === filledIn[path]) return undefined;
	// Next to a digest a tag means nothing, and the command line leaves it there.
	if (path === "TaskTemplate.ContainerSpec.Image") return withoutTag(String(value));
	// Of a mode, only its name counts.
	if (key === "Global" && value) return true;
	if (value === null || value === "" || value === false || value === 0) return undefined;
	if (Array.isArray(value)) return normalList(value, key);
	if (typeof value !== "object") return value;
	const entries = maps.includes(key)
		? Object.entries(value as object).filter(([name]) => name !== attemptLabel)
		: Object.entries(value as object).map(([name, item]) => [name, normal(item, path ? `${path}.${name}` : name)] as const);
	const left = entries.filter(([, item]) => item !== undefined);
	return left.length > 0 ? Object.fromEntries(left) : undefined;
}

function normalList(list: unknown[], key: string): unknown {
	if (list.length === 0) return undefined;
	// Items need no full path: `filledIn` has no entry inside a list.
	const items = list.map((item) => (item !== null && typeof item === "object" ? (normal(item, key) ?? {}) : item));
	return unordered.includes(key) ? items.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b))) : items;
}

const sortKey = (value: unknown): string =>
	JSON.stringify(value, (_key, item: unknown) =>
		item !== null && typeof item === "object" && !Array.isArray(item)
			? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a.localeCompare(b)))
			: item,
	);

/** Paths at which the two differ. A list that differs is one path. Values are left out: they may be secrets. */
export function differences(found: unknown, wanted: unknown, path = ""): string[] {
	return differing(normal(found, path), normal(wanted, path), path).sort();
}

function differing(found: unknown, wanted: unknown, path: string): string[] {
	if (sameValue(found, wanted)) return [];
	if (!isRecord(found) || !isRecord(wanted)) return [path];
	const keys = [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
	return keys.flatMap((key) => differing(found[key], wanted[key], path ? `${path}.${key}` : key));
}

const isRecord = (value: unknown): value is Props => value !== null && typeof value === "object" && !Array.isArray(value);

/** Whether two task templates, or the spec of a task and a template, ask for the same task. */
export const sameTask = (found: unknown, wanted: unknown): boolean => signature(found) === signature(wanted);

/** A cache: many tasks are compared every second, and nearly all have the same few specs. */
const signatures = new Map<string, string>();

function signature(template: unknown): string {
	const text = JSON.stringify(template ?? null);
	const known = signatures.get(text);
	if (known !== undefined) return known;
	const found = sortKey(normal(template, "TaskTemplate") ?? null);
	if (signatures.size > 100) signatures.clear();
	signatures.set(text, found);
	return found;
}

/** Whether Swarm replaces the tasks because of a difference at this path. */
export const replacesTasks = (path: string): boolean => /^(TaskTemplate|EndpointSpec)\b/.test(path);
