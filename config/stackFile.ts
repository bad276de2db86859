import * as fs from "node:fs";
import { parse } from "yaml";

/** The configuration in a stack's file, by key without the project's name, for `parseTopology`. Nothing is decrypted: a text stands for an encrypted value. */
export function readStackFile(file: string, project = "swarm-scaleout"): Record<string, unknown> {
	const { config = {} } = (parse(fs.readFileSync(file, "utf8")) ?? {}) as { config?: Record<string, unknown> };
	const own = Object.entries(config).filter(([key]) => key.startsWith(`${project}:`));
	return Object.fromEntries(own.map(([key, value]) => [key.slice(project.length + 1), withoutEncrypted(value)]));
}

function withoutEncrypted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(withoutEncrypted);
	if (value === null || typeof value !== "object") return value;
	const entries = Object.entries(value);
	if (entries.length === 1 && entries[0]?.[0] === "secure") return "encrypted";
	return Object.fromEntries(entries.map(([key, item]) => [key, withoutEncrypted(item)]));
}
