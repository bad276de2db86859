import * as fs from "node:fs";
import * as path from "node:path";

/* Programs of agent/ on a host: each systemd unit has a directory of its own with its program and the modules that it imports. */

const sources = path.join(import.meta.dirname, "..", "agent");

/** Quotes one word of a unit's command line, so that systemd expands and splits nothing in it. See systemd.service(5), "Command lines". */
export function systemdQuote(word: string): string {
	const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("%", "%%").replaceAll("$", "$$$$");
	return /^[\w./:=?&@,+%-]+$/.test(word) ? escaped : `"${escaped}"`;
}

/** A program of agent/, such as `drain_agent`, and what it imports from there. The program comes last. */
function modulesOf(program: string): string[] {
	const imports = [...source(program).matchAll(/^from (scaleout_\w+) import/gm)].flatMap(([, module = ""]) => modulesOf(module));
	return [...new Set([...imports, program])];
}

const source = (module: string) => fs.readFileSync(path.join(sources, `${module}.py`), "utf8");

const directory = (unit: string) => `/usr/local/lib/scaleout/${unit}`;

/** Where the program of a systemd unit of ours lies on a host. */
export const programPath = (unit: string, program: string) => `${directory(unit)}/${program}.py`;

/** The program with its modules in one text, for the standard input of `installProgram`. */
export function programText(program: string): string {
	return modulesOf(program)
		.map((module) => `#### ${module}.py\n${source(module)}`)
		.join("");
}

/** Puts a unit's program from standard input in place, whole or not at all. */
export function installProgram(unit: string): string {
	const at = directory(unit);
	return `
rm -rf ${at}.new
install -d -m 755 /usr/local/lib/scaleout ${at}.new
awk -v at=${at}.new '/^#### [a-z_]+[.]py$/ { file = at "/" $2; next } { print > file }'
chmod 644 ${at}.new/*.py
rm -rf ${at}
mv ${at}.new ${at}
`.trim();
}

/** Removes it. */
export const removeProgram = (unit: string) => `rm -rf ${directory(unit)}`;

/** Looks at a program, its unit, and that the unit, or another one that starts it, runs. See lib/hostRecord.ts. */
export function lookAtProgram(unit: string, program: string, running = `${unit}.service`): string[] {
	const units = [...new Set([`${unit}.service`, running])].map((name) => `/etc/systemd/system/${name}`);
	const files = [...modulesOf(program).map((module) => programPath(unit, module)), ...units];
	return [...files.map((file) => `file ${file}`), `unit ${running}`];
}
