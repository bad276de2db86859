import type { z } from "zod";
import type { Fault } from "../../lib/fault.ts";
import { type Topology, topologySchema } from "../schema.ts";
import { type Node, nodesAt, pathOf } from "./shape.ts";

/*
 * Rules between keys, while some values still have a wrong form. Each of those is replaced by a valid value, in two ways that differ as much as possible. A
 * fault that appears both times does not depend on these values, and is in the same report.
 */

type Rules = (topology: Topology) => Fault[];
type Path = readonly PropertyKey[];
// biome-ignore lint/suspicious/noExplicitAny: configuration before it is checked
type Raw = any;

/** Several, because the replacement of one value may reveal another wrong one. */
const rounds = 4;

/** The faults by rules that do not depend on how the wrong values are corrected. Pure. */
export function faultsBeside(raw: Raw, rules: Rules): Fault[] {
	const [one, other] = [0, 1].map((way) => repaired(raw, way));
	if (!one || !other) return [];
	const both = new Set(rules(other.topology).map(keyOf));
	const isReplaced = ({ property }: Fault) => one.replaced.some((path) => isWithin(property, path) || isWithin(path, property));
	return rules(one.topology).filter((fault) => both.has(keyOf(fault)) && !isReplaced(fault));
}

const keyOf = (fault: Fault) => JSON.stringify(fault);
const isWithin = (property: string, path: string) =>
	property === path || property.startsWith(`${path}.`) || property.startsWith(`${path}[`);

/** A valid configuration with the wrong values replaced; undefined if none is found. `way`: 0 or 1. */
function repaired(raw: Raw, way: number): { topology: Topology; replaced: string[] } | undefined {
	const config = structuredClone(raw);
	const replaced: string[] = [];
	for (let round = 0; round < rounds; round++) {
		const parsed = topologySchema.safeParse(config);
		if (parsed.success) return { topology: parsed.data, replaced };
		// From a list's end, so that a removed item does not move others.
		for (const issue of parsed.error.issues.toReversed()) {
			for (const path of issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [wholeOf(issue.path)]) {
				if (path.length === 0) return undefined;
				replaced.push(pathOf(path));
				replace(config, path, replacement(path, way, replaced.length, issue));
			}
		}
	}
	return undefined;
}

/** For one wrong choice in a list, the path of the whole list, because the intended choice is unknown. */
function wholeOf(path: Path): Path {
	const isChoice = typeof path.at(-1) === "number" && nodesAt(path).some(({ options }) => options);
	return isChoice ? path.slice(0, -1) : path;
}

function replace(config: Raw, path: Path, value: unknown): void {
	const last = path.at(-1) as PropertyKey;
	const holder = path.slice(0, -1).reduce<Raw>((within, part) => within?.[part], config);
	if (holder === null || typeof holder !== "object") return;
	if (value !== undefined) holder[last] = value;
	else if (Array.isArray(holder)) holder.splice(Number(last), 1);
	else delete holder[last];
}

/** A valid value for the path, different for each way and number. Undefined: leave it out, which is the second way if possible. */
function replacement(path: Path, way: number, number: number, issue: z.core.$ZodIssue): unknown {
	if (issue.code === "unrecognized_keys" || issue.code === "invalid_key") return undefined;
	const optional = optionalAt(path);
	if (optional && way === 1) return undefined;
	const valid = nodesAt(path).flatMap((node) => samplesOf(node, way, number).filter((sample) => node.safeParse?.(sample).success));
	// Not the default, which is the other way.
	if (optional) return valid.find((value) => JSON.stringify(value) !== JSON.stringify(optional.parse?.(undefined)));
	return way === 0 ? valid[0] : valid.at(-1);
}

/** The schema of a value that may be left out; undefined for others. */
function optionalAt(path: Path): Node | undefined {
	const schemas = nodesAt(path.slice(0, -1)).map(({ shape }) => shape?.[String(path.at(-1))] as Node | undefined);
	return schemas.find((schema) => ["optional", "default", "prefault"].includes(schema?.def?.type ?? ""));
}

function samplesOf(node: Node, way: number, number: number): unknown[] {
	// A choice, or a list of choices.
	const choices = (node.element as Node | undefined)?.options ?? [];
	if (choices.length > 0) return [choices, [choices.at(-1)]];
	if (node.options) return node.options;
	const n = 2 * number + way;
	const text = [
		`x${n}`,
		`192.0.2.${n}`,
		`192.0.${n}.0/24`,
		`/placeholder/${n}`,
		"a",
		"z",
		"t3.small",
		`x${n}@example.org`,
		`x${n}.example.org`,
	];
	const keys = ["ssh-ed25519 AAAA", `sha256:${"0".repeat(64)}`, `https://x${n}.example.org/`, "subnet-0", "vpc-0", "ap-northeast-2"];
	return [...text, ...keys, 1, 24, 200, 512, 5000, 60_000 + n, false, true, [], {}];
}
