import { z } from "zod";
import { topologySchema } from "../../config/schema.ts";

/* Every place of the configuration that takes a single value, from the schema itself, so that a new key is among them. */

/** A step into the configuration: a key, each item of a list, each value of a map, or each name of a map. */
type Step = string | typeof items | typeof values | typeof names;
const items = Symbol("items");
const values = Symbol("values");
const names = Symbol("names");

export interface SchemaPath {
	steps: Step[];
	/** As faults name it, with `[]` for any item and `*` for any name of a map: `hosts[].ssh.host`. */
	name: string;
	/** Takes text of some kind, and not a number, a choice or the like. */
	isText: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: any schema, any configuration
type Any = any;

export function schemaPaths(): SchemaPath[] {
	const found = walk(z.toJSONSchema(topologySchema, { io: "input" }), []).map(({ steps, isText }) => ({
		steps,
		isText,
		name: nameOf(steps),
	}));
	return [...new Map(found.map((path) => [path.name + path.steps.includes(names), path])).values()];
}

function walk(schema: Any, steps: Step[]): Omit<SchemaPath, "name">[] {
	const variants = schema.anyOf ?? schema.oneOf;
	if (variants) return variants.flatMap((variant: Any) => walk(variant, steps));
	if (schema.items) return walk(schema.items, [...steps, items]);
	if (schema.properties) return Object.entries(schema.properties).flatMap(([key, inner]) => walk(inner, [...steps, key]));
	if (schema.additionalProperties)
		return [{ steps: [...steps, names], isText: true }, ...walk(schema.additionalProperties, [...steps, values])];
	return [{ steps, isText: schema.type === "string" && !schema.enum && schema.const === undefined }];
}

const nameOf = (steps: Step[]) =>
	steps
		.map((step) => (typeof step === "string" ? `.${step}` : step === items ? "[]" : ".*"))
		.join("")
		.replace(/^\./, "");

/** Puts a value at the place, whatever is missing on the way to it; into each item and each value where there are several. */
export function put(config: Any, steps: Step[], value: unknown): Any {
	const [step, ...rest] = steps;
	if (step === undefined) return value;
	const isObject = config !== null && typeof config === "object";
	if (step === items) return (Array.isArray(config) && config.length > 0 ? config : [undefined]).map((item) => put(item, rest, value));
	const object = isObject && !Array.isArray(config) ? config : {};
	if (typeof step === "string") return { ...object, [step]: put(object[step], rest, value) };
	const entries = Object.entries(object).length > 0 ? Object.entries(object) : [["name", "x1"]];
	// Without a name there is no value either.
	if (step === names) return Object.fromEntries([...entries.slice(1), ...(value === undefined ? [] : [[value, entries[0]?.[1]]])]);
	return Object.fromEntries(entries.map(([name, item]) => [name, put(item, rest, value)]));
}

/** A fault's property as a path's name. `config` tells which parts of it are names of a map. */
export function isFaultOf({ name, steps }: SchemaPath, property: string): boolean {
	const pattern = steps
		.map((step) => (typeof step === "string" ? `\\.${step}` : step === items ? "\\[\\d+\\]" : "\\.[^]+"))
		.join("")
		.replace(/^\\\./, "");
	return name !== "" && new RegExp(`^${pattern}$`).test(property);
}
