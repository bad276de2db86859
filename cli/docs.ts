import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { parseTopology } from "../config/parse.ts";
import { topologySchema } from "../config/schema.ts";
import { readStackFile } from "../config/stackFile.ts";
import { allWritten } from "../host/steps.ts";
import { topologyDiagram } from "./diagram.ts";
import { settingsFiles } from "./settingsTypes.ts";

/*
 * Generates files: the configuration reference and the types of components/settings from the schema, the picture of the topology from Pulumi.prod.yaml, and
 * the table in docs/security.md from the steps.
 *
 *   node cli/docs.ts           writes docs/configuration.md, docs/topology.md, docs/security.md and components/settings
 *   node cli/docs.ts --check   fails when a file is not up to date
 */

const project = path.join(import.meta.dirname, "..");

/** The part of JSON Schema that zod writes for this configuration. */
interface Schema {
	type?: string;
	description?: string;
	default?: unknown;
	enum?: string[];
	const?: unknown;
	format?: string;
	pattern?: string;
	minimum?: number;
	maximum?: number;
	items?: Schema;
	properties?: Record<string, Schema>;
	required?: string[];
	additionalProperties?: Schema | boolean;
	anyOf?: Schema[];
	oneOf?: Schema[];
}

const intro = `# Configuration

Made from \`config/schema.ts\` by \`npm run docs\`: change it there.

All keys stand below the project's name in \`Pulumi.<stack>.yaml\`, as \`swarm-scaleout:source\`, \`swarm-scaleout:hosts\` and so on. A section that
is left out has its defaults. An unknown key is an error. All faults are reported at once, each with its path and what to write instead, before
anything is created; that includes rules between keys, such as one task a node in \`host\` mode, and the variables, keys and certificates that it
names. In a file's name \`~/\` is the home directory.
`;

/** The whole reference as Markdown. Pure. */
export function configurationReference(): string {
	// "input": what a person writes, so keys with a default are not required.
	const root = z.toJSONSchema(topologySchema, { io: "input" }) as Schema;
	return [intro, ...sections("", root)].join("\n");
}

/** A heading and a table for a section, followed by the sections in it. `at` is its path, empty for the whole configuration. */
function sections(at: string, schema: Schema): string[] {
	if (schema.oneOf)
		return schema.oneOf.flatMap((variant) =>
			sections(`${at} (type: ${variant.properties?.type?.const})`, { ...variant, description: schema.description }),
		);
	const base = at.replace(/ \(.*\)$/, "");
	const keys = Object.entries(schema.properties ?? {});
	const rows = keys.map(([key, value]) => row(base ? `${base}.${key}` : key, value, schema.required?.includes(key) ?? false));
	const inner = keys.flatMap(([key, value]) => {
		const section = sectionOf(value);
		return section ? sections(`${base ? `${base}.` : ""}${key}${suffixOf(value)}`, { ...section, description: value.description }) : [];
	});
	const heading = [
		`## ${at ? `\`${base}\`${at.slice(base.length)}` : "Sections"}`,
		"",
		...(at && schema.description ? [schema.description, ""] : []),
	];
	return [...heading, "| Key | Type | Default | Meaning |", "|---|---|---|---|", ...rows, "", ...inner];
}

/** The object with named keys behind a property: itself, its variants, or the items of a list or of a map. */
function sectionOf(schema: Schema): Schema | undefined {
	if (schema.properties || schema.oneOf) return schema;
	const item = schema.items ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
	return item?.properties && !isReference(item) ? item : undefined;
}

/** Whether it is an object with one key that stands for a value, such as `{fromEnvironment: NAME}`. */
const isReference = ({ properties = {}, required = [] }: Schema) => Object.keys(properties).length === 1 && required.length === 1;

/** The suffix that marks an item of a list or of a map. */
function suffixOf({ type, properties }: Schema): string {
	if (type === "array") return "[]";
	return type === "object" && !properties ? ".<name>" : "";
}

function row(at: string, schema: Schema, required: boolean): string {
	const key = sectionOf(schema) ? `[\`${at}\`](#${anchor(at, schema)})` : `\`${at}\``;
	return `| ${[key, typeOf(schema), defaultOf(schema, required), schema.description ?? ""].map(cell).join(" | ")} |`;
}

/** The anchor that a Markdown renderer makes from the section's heading. */
function anchor(at: string, schema: Schema): string {
	const heading = schema.oneOf ? `${at} (type: ${schema.oneOf[0]?.properties?.type?.const})` : `${at}${suffixOf(schema)}`;
	return heading
		.toLowerCase()
		.replace(/[^a-z0-9 -]/g, "")
		.replaceAll(" ", "-");
}

function defaultOf(schema: Schema, required: boolean): string {
	if (required) return "**required**";
	const value = schema.default;
	if (value === undefined) return schema.description?.includes("Default") ? "see meaning" : "none";
	if (sectionOf(schema) && !schema.oneOf && schema.type !== "array") return "each key's own";
	return `\`${typeof value === "string" ? value || '""' : JSON.stringify(value)}\``;
}

/** The allowed values, in words: choices, range, form. */
function typeOf(schema: Schema): string {
	if (schema.enum) return schema.enum.map((choice) => `\`${choice}\``).join(", ");
	if (schema.const !== undefined) return `\`${schema.const}\``;
	const alternatives = schema.anyOf ?? schema.oneOf;
	if (alternatives) return [...new Set(alternatives.map(typeOf))].join(" or ");
	switch (schema.type) {
		case "array":
			return schema.items?.properties ? "list of sections" : `list: ${typeOf(schema.items ?? {})}`;
		case "object":
			return objectType(schema);
		case "integer":
		case "number":
			return [schema.type === "integer" ? "integer" : "number", rangeOf(schema)].filter(Boolean).join(" ");
		case "string":
			return formats[schema.format ?? ""] ?? (schema.pattern ? `string \`${schema.pattern.replaceAll("\\/", "/")}\`` : "string");
		default:
			return schema.type ?? "any";
	}
}

const formats: Record<string, string> = {
	ipv4: "IPv4 address",
	ipv6: "IPv6 address",
	cidrv4: "IPv4 network",
	cidrv6: "IPv6 network",
	email: "e-mail address",
};

function objectType({ properties, additionalProperties, required = [] }: Schema): string {
	if (typeof additionalProperties === "object") return `map: name to ${typeOf(additionalProperties)}`;
	const [only, ...more] = Object.keys(properties ?? {});
	return only && more.length === 0 && required.includes(only) ? `\`{${only}: …}\`` : "section";
}

/** Without an upper bound Zod gives the largest safe integer. */
function rangeOf({ minimum, maximum }: Schema): string {
	const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
	if (minimum === undefined) return bounded ? `up to ${maximum}` : "";
	return bounded ? `${minimum} to ${maximum}` : `from ${minimum}`;
}

/** Escapes a table cell: a bar ends it, even in code; outside of code `<` begins HTML. */
function cell(text: string): string {
	const plain = (part: string, i: number) => (i % 2 === 0 ? part.replaceAll("<", "&lt;") : part);
	return text.replaceAll("|", "\\|").replaceAll("\n", " ").split("`").map(plain).join("`");
}

/** docs/topology.md: the picture of the stack `prod`. */
export function topologyPage(): string {
	const diagram = topologyDiagram(parseTopology(readStackFile(path.join(project, "Pulumi.prod.yaml"))));
	return `# Topology

Made from \`Pulumi.prod.yaml\` by \`npm run docs\`. \`npm run diagram -- --stack NAME\` prints the picture of any stack of this project.

\`\`\`mermaid
${diagram}\`\`\`
`;
}

/** docs/security.md with the table of what the steps write on hosts. */
export function securityPage(): string {
	const rows = allWritten().map(
		({ place, owner = "root", mode, what = "" }) => `| \`${place}\` | ${owner} | ${mode} | ${what}${what && " "}|`,
	);
	const table = ["| Place | Owner | Mode | What is in it |", "|---|---|---|---|", ...rows].join("\n");
	const text = fs.readFileSync(path.join(project, "docs/security.md"), "utf8");
	return text.replace(/(<!-- made by [^\n]*-->\n)[\s\S]*(<!-- end -->)/, (_all, begin, end) => `${begin}\n${table}\n\n${end}`);
}

if (process.argv[1] === import.meta.filename) {
	const pages = {
		"docs/configuration.md": configurationReference(),
		"docs/topology.md": topologyPage(),
		"docs/security.md": securityPage(),
		...(await settingsFiles()),
	};
	for (const [name, wanted] of Object.entries(pages)) {
		const file = path.join(project, name);
		if (!process.argv.includes("--check")) {
			fs.mkdirSync(path.dirname(file), { recursive: true });
			fs.writeFileSync(file, wanted);
		} else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== wanted) {
			process.stderr.write(`${name} is not what it is made from: run "npm run docs"\n`);
			process.exitCode = 1;
		}
	}
}
