import { withoutTag } from "../../lib/imageReference.ts";
import { sameValue } from "../define.ts";
import { startInterval } from "./healthcheck.ts";

/*
 * Specs compared to the letter, both ways: what is wanted and not there, and what is there and not wanted. What makes no difference to Swarm is taken
 * out of both before. Pure.
 */

/** Label on the service that Swarm's own updater is cancelled by, see specToWrite. */
export const attemptLabel = "scaleout.attempt";

/** What Swarm shows where nothing was said. Nothing at all stands for zero, false, "" and what is empty, so those need no entry. */
const filledIn: Record<string, unknown> = {
	"EndpointSpec.Mode": "vip",
	"TaskTemplate.Runtime": "container",
	"TaskTemplate.ContainerSpec.Isolation": "default",
	// Managers that do not know it drop it.
	"TaskTemplate.ContainerSpec.Healthcheck.StartInterval": startInterval,
};

/** Lists whose order means nothing. `docker service update` sorts some of them. */
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

/** Maps of somebody's own names and values, in which an empty value is one. */
const maps = ["Labels", "Options", "Sysctls"];

type Props = Record<string, unknown>;

/** A part of a spec without what makes no difference; undefined when nothing is left. */
export function normal(value: unknown, path = ""): unknown {
	const key = path.split(".").at(-1) ?? "";
	if (path in filledIn && value === filledIn[path]) return undefined;
	// A tag says nothing beside a digest, and the command line leaves it there.
	if (path === "TaskTemplate.ContainerSpec.Image") return withoutTag(String(value));
	// The kind of a mode is its name.
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
	// An item's own path is nobody's: what Swarm fills in stands in no list.
	const items = list.map((item) => (item !== null && typeof item === "object" ? (normal(item, key) ?? {}) : item));
	return unordered.includes(key) ? items.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b))) : items;
}

const sortKey = (value: unknown): string =>
	JSON.stringify(value, (_key, item: unknown) =>
		item !== null && typeof item === "object" && !Array.isArray(item)
			? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a.localeCompare(b)))
			: item,
	);

/** Where the two differ, as paths. Of a list it is enough to say that it differs. No value is told: it may be a secret. */
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

/** Of many tasks, looked at every second, nearly all have the same few specs. */
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

/** Whether a difference at this path has Swarm replace the tasks. */
export const replacesTasks = (path: string): boolean => /^(TaskTemplate|EndpointSpec)\b/.test(path);
