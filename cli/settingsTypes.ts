import { compile, type JSONSchema } from "json-schema-to-typescript";
import { z } from "zod";
import { topologySchema } from "../config/schema.ts";

/*
 * What the parts of the program are told, as TypeScript: components/settings/*.ts, made from the schema, so that meaning, unit, default and the effect of a change
 * stand in one place. The parts know these types, and nothing of the configuration.
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

/** The types: name, and where its section stands. Of a list or a map it is one item; a section within it that has a type of its own is left out. */
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

/** The files, by name in the project. */
export async function settingsFiles(): Promise<Record<string, string>> {
	// Output: what a part is told has its defaults filled in.
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
		return [`components/settings/${file}.ts`, `${madeBy}\n\n${text}`] as const;
	});
	return Object.fromEntries(await Promise.all(files));
}

/** Without the sections that have a type of their own. */
function withoutParts(section: string, { properties = {}, required, ...schema }: Schema): Schema {
	const parts = Object.values(sections).flatMap(([, of, within]) => (of === section && within ? [within] : []));
	const isOwn = (key: string) => !parts.includes(key);
	return {
		...schema,
		properties: Object.fromEntries(Object.entries(properties).filter(([key]) => isOwn(key))),
		...(required && { required: required.filter(isOwn) }),
	};
}

/** With the default of each value in its description: the types alone do not say it. */
function withDefaults(schema: Schema): Schema {
	const inner = { ...schema };
	if (schema.properties)
		inner.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, withDefaults(value)]));
	for (const kind of ["anyOf", "oneOf"] as const) if (schema[kind]) inner[kind] = schema[kind].map(withDefaults);
	if (schema.items) inner.items = withDefaults(schema.items);
	// The defaults of a section stand at its keys.
	if (schema.default !== undefined && !schema.properties && !schema.oneOf)
		inner.description = `${schema.description ?? ""}\n\n@default ${JSON.stringify(schema.default)}`.trim();
	return inner;
}
