import { compile, type JSONSchema } from "json-schema-to-typescript";
import { z } from "zod";
import { topologySchema } from "../config/schema.ts";

/*
 * The settings of the program's parts, as TypeScript: components/settings/*.ts, generated from the schema, so that meaning, unit, default and the effect of
 * a change are written in one place. The parts know only these types, nothing of the configuration.
 */

/** The part of JSON Schema that is changed here. */
interface Schema {
	description?: string;
	default?: unknown;
	properties?: Record<string, Schema>;
	required?: string[];
	items?: Schema;
	additionalProperties?: Schema;
	anyOf?: Schema[];
	oneOf?: Schema[];
}

/** The types: name and section. For a list or a map the type is one item's. An inner section that has its own type is left out. */
const sections: Record<string, [name: string, section: string, within?: string]> = {
	hosts: ["HostSettings", "hosts"],
	local: ["LocalSettings", "local"],
	aws: ["AwsSettings", "aws"],
	swarm: ["SwarmSettings", "swarm"],
	logs: ["LogsSettings", "logs"],
	registry: ["RegistrySettings", "registry"],
	image: ["ImageSettings", "services", "image"],
	service: ["ServiceSettings", "services"],
	nginx: ["NginxSettings", "nginx"],
};

const madeBy = "/* Made from config/sections by `npm run docs`: change it there. */";

/** The files' contents, by path in the project. */
export async function settingsFiles(): Promise<Record<string, string>> {
	// "output": the parts get settings with defaults filled in.
	const { properties = {} } = z.toJSONSchema(topologySchema, { io: "output" }) as Schema;
	const options = {
		bannerComment: "",
		additionalProperties: false,
		ignoreMinAndMaxItems: true,
		style: { useTabs: true, tabWidth: 4, printWidth: 140 },
	};
	const files = Object.entries(sections).map(async ([file, [name, section, within]]) => {
		const schema = properties[section] as Schema;
		const item = schema.items ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : schema);
		const told = within ? (item.properties?.[within] as Schema) : withoutParts(section, item);
		const text = await compile(withDefaults(told) as JSONSchema, name, options);
		return [`components/settings/${file}.ts`, `${madeBy}\n\n${orUndefined(text)}`] as const;
	});
	return Object.fromEntries(await Promise.all(files));
}

/** Adds `undefined` to properties that may be absent, for programs that distinguish the two (`exactOptionalPropertyTypes`). */
function orUndefined(text: string): string {
	let depth = 0;
	/** Depth of braces at each optional property that has not ended yet. */
	const open: number[] = [];
	const count = (line: string, brace: RegExp) => line.match(brace)?.length ?? 0;
	return text
		.split("\n")
		.map((line) => {
			if (/^\s*[/*]/.test(line)) return line;
			if (/^\s*\w+\?:/.test(line)) open.push(depth);
			depth += count(line, /{/g) - count(line, /}/g);
			if (!line.endsWith(";") || open.at(-1) !== depth) return line;
			open.pop();
			return line.replace(/;$/, " | undefined;");
		})
		.join("\n");
}

/** Leaves out the sections that have their own type. */
function withoutParts(section: string, { properties = {}, required, ...schema }: Schema): Schema {
	const parts = Object.values(sections).flatMap(([, of, within]) => (of === section && within ? [within] : []));
	const isOwn = (key: string) => !parts.includes(key);
	return {
		...schema,
		properties: Object.fromEntries(Object.entries(properties).filter(([key]) => isOwn(key))),
		...(required && { required: required.filter(isOwn) }),
	};
}

/** Adds the default of each value to its description, because types do not contain it. */
function withDefaults(schema: Schema): Schema {
	const inner = { ...schema };
	if (schema.properties)
		inner.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, withDefaults(value)]));
	for (const kind of ["anyOf", "oneOf"] as const) if (schema[kind]) inner[kind] = schema[kind].map(withDefaults);
	if (schema.items) inner.items = withDefaults(schema.items);
	// The defaults of a section are at its keys.
	if (schema.default !== undefined && !schema.properties && !schema.oneOf)
		inner.description = `${schema.description ?? ""}\n\n@default ${JSON.stringify(schema.default)}`.trim();
	return inner;
}
