import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { StepProgram } from "./manifest.ts";

/* Programs of host/agents/ on a host: each systemd unit has a directory of its own with its program and the modules that it imports. */

const sources = path.join(import.meta.dirname, "agents");

/** Quotes one word of a unit's command line, so that systemd expands and splits nothing in it. See systemd.service(5), "Command lines". */
export function systemdQuote(word: string): string {
	const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("%", "%%").replaceAll("$", "$$$$");
	return /^[\w./:=?&@,+%-]+$/.test(word) ? escaped : `"${escaped}"`;
}

/** A program of host/agents/, such as `drain_agent`, and what it imports from there. The program comes last. */
function modulesOf(program: string): string[] {
	const imports = [...source(program).matchAll(/^from (scaleout_\w+) import/gm)].flatMap(([, module = ""]) => modulesOf(module));
	return [...new Set([...imports, program])];
}

const source = (module: string) => fs.readFileSync(path.join(sources, `${module}.py`), "utf8");

const directory = (unit: string) => `/usr/local/lib/scaleout/${unit}`;

/** Where the program of a systemd unit of ours lies on a host. */
export const programPath = (unit: string, program: string) => `${directory(unit)}/${program}.py`;

/** A program with its modules in the directory of its unit. */
export function stepProgram(unit: string, program: string): StepProgram {
	const modules = modulesOf(program);
	const version = createHash("sha256").update(modules.map(source).join("")).digest("hex").slice(0, 8);
	return { directory: directory(unit), version, modules };
}

/** Where a systemd unit of ours lies on a host. */
export const unitFile = (name: string) => `/etc/systemd/system/${name}`;
