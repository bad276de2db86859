import type { z } from "zod";
import type { Fault } from "../fault.ts";
import { topologySchema } from "../schema.ts";

/** Faults of shape, from the schema's issues. */
export function shapeFaults(issue: z.core.$ZodIssue, raw: unknown): Fault[] {
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
const secretPaths = /(^|\.)(secretEnv|secrets|password|privateKey|privateKeyFile|tls\.(certificate|key)(File)?)(\.|$|\[)/;

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
