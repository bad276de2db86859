import type { z } from "zod";
import type { Fault } from "../../lib/fault.ts";
import { topologySchema } from "../schema.ts";

/** Faults of shape, from the schema's issues. */
export function shapeFaults(issue: z.core.$ZodIssue, raw: unknown): Fault[] {
	const property = pathOf(issue.path) || "configuration";
	const found = valueAt(raw, issue.path);
	const isSecret = secretPaths.test(property);
	const value = isSecret ? undefined : shown(found);
	switch (issue.code) {
		case "unrecognized_keys":
			return issue.keys.map((key) => {
				const unknown = pathOf([...issue.path, key]);
				const now = renamed[unknown];
				return { property: unknown, remedy: now ?? `unknown key: remove it, or use one of ${knownKeys(issue.path).join(", ")}` };
			});
		case "invalid_type":
			if (found === undefined) return [{ property, remedy: `is missing: give ${kindOf(issue.expected)}` }];
			// A text in place of a structure is a section that could not be parsed. It may contain anything, so it is not shown.
			if (["object", "record", "array"].includes(issue.expected))
				return [{ property, remedy: `${remedyOf(issue)}; is it valid YAML or JSON?` }];
			return [{ property, value, remedy: remedyOf(issue) }];
		case "invalid_union":
			return [{ property, value, remedy: unionRemedy(issue, property, isSecret) }];
		case "invalid_key":
			return [{ property, remedy: `this name is not possible: ${issue.issues[0] ? remedyOf(issue.issues[0]) : issue.message}` }];
		default:
			return [{ property, value, remedy: isFormerRole(issue, found) ? "is called balancer now: use that" : remedyOf(issue) }];
	}
}

/** Former names of keys, with the present ones. */
const renamed: Record<string, string> = {
	service: "is a service of its own name now: services.<name>, without the key name",
	image: "belongs to a service now: services.<name>.image",
	"nginx.serverName": "is a site's now: nginx.sites[0].serverName",
	"nginx.upstream": "is told by service now: nginx.upstreams.<name>",
};

const isFormerRole = ({ path }: z.core.$ZodIssue, found: unknown) => path[0] === "hosts" && path[2] === "roles" && found === "nginx";

/** What to write instead, as a sentence: the schema's own if it has one. The library's messages are not remedies. */
function remedyOf(issue: z.core.$ZodIssue): string {
	if (!/^(Invalid|Too|Unrecognized) /.test(issue.message)) return issue.message;
	switch (issue.code) {
		case "invalid_type":
			return `use ${kindOf(issue.expected)}`;
		case "invalid_value":
			return `use one of ${issue.values.map(String).join(", ")}`;
		case "invalid_format":
			return formats[issue.format] ?? issue.message;
		case "too_small":
			return sizeRemedy(issue.origin, "at least", Number(issue.minimum));
		case "too_big":
			return sizeRemedy(issue.origin, "at most", Number(issue.maximum));
		default:
			return issue.message;
	}
}

const kindOf = (expected: string) => kinds[expected] ?? `a value of type ${expected}`;

const kinds: Record<string, string> = {
	string: "a text",
	number: "a number",
	int: "a whole number",
	boolean: "true or false",
	array: "a list",
	object: "a section with keys of its own",
	record: "a section with names and values",
};

const formats: Record<string, string> = {
	ipv4: "use an IPv4 address, such as 192.168.2.137",
	ipv6: "use an IPv6 address, such as fd00::1",
	cidrv6: "use an IPv6 network in CIDR notation, such as fd00::/64",
	cidrv4: "use an IPv4 network in CIDR notation, such as 192.168.0.0/16",
	email: "use an e-mail address",
};

function sizeRemedy(origin: string, word: "at least" | "at most", limit: number): string {
	if (origin === "string") return limit === 1 ? "use a text that is not empty" : `use ${word} ${limit} characters`;
	if (origin === "array") return `name ${word} ${limit}`;
	return `use a number of ${word} ${limit}`;
}

function unionRemedy(issue: z.core.$ZodIssueInvalidUnion, property: string, isSecret: boolean): string {
	if (property.endsWith(".type")) return "use volume or bind";
	if (isSecret) return "use a string, or {fromEnvironment: NAME}";
	return [...new Set(issue.errors.flat().map(remedyOf))].join("; or: ");
}

/** Values that may be secret, so errors do not show them. */
const secretPaths = /(^|\.)(secretEnv|secrets|password|privateKey|privateKeyFile|tls\.(certificate|key)(File)?)(\.|$|\[)/;

/** A path in the form that faults use: `hosts[2].address`. */
export const pathOf = (path: readonly PropertyKey[]) =>
	path
		.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
		.join("")
		.replace(/^\./, "");

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], raw);
}

/** Not a whole section: it would hide the fault, and might contain a secret. */
const shown = (value: unknown) => (typeof value === "object" ? undefined : value);

const knownKeys = (path: readonly PropertyKey[]) => [...new Set(nodesAt(path).flatMap(({ shape }) => Object.keys(shape ?? {})))];

/** The schemas at a path. */
export function nodesAt(path: readonly PropertyKey[]): Node[] {
	let schemas: Node[] = unwrapped(topologySchema);
	for (const part of path)
		schemas = schemas.flatMap((schema) =>
			unwrapped(typeof part === "number" ? schema.element : (schema.shape?.[String(part)] ?? schema.valueType)),
		);
	return schemas;
}

/** The part of a schema that is read here. */
export interface Node {
	shape?: Record<string, unknown>;
	element?: unknown;
	valueType?: unknown;
	options?: unknown[];
	unwrap?: () => unknown;
	def?: { type: string };
	safeParse?: (value: unknown) => { success: boolean };
	parse?: (value: unknown) => unknown;
}

/** The schemas behind defaults, optional marks and unions. */
function unwrapped(schema: unknown): Node[] {
	const node = schema as Node | undefined;
	if (!node) return [];
	if (node.options && node.def?.type === "union") return node.options.flatMap(unwrapped);
	return ["optional", "default", "prefault"].includes(node.def?.type ?? "") ? unwrapped(node.unwrap?.()) : [node];
}
