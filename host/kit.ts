import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pack } from "tar-stream";
import { shellQuote, sudo } from "../lib/connection.ts";
import { fileStem } from "../lib/names.ts";

/*
 * The scripts of all steps, and the programs of the agents, as they lie on each host: `run.sh`, `undo.sh` and what these read. Each stack has its own.
 */

const project = path.join(import.meta.dirname, "..");

/** Where a stack's scripts lie on its hosts. `owner` is `project/stack`. */
export const kitDirectory = (owner: string) => `/usr/local/lib/scaleout/steps/${fileStem(owner)}`;

/** Where it notes what its steps made: see host/steps/run.sh. */
export const recordDirectory = (owner: string) => `/var/lib/scaleout/${fileStem(owner)}`;

/** The line that carries out a step on a host, with its text on standard input. `user`: who logs in. */
export const stepCommand = (owner: string, user: string, step: string) => `${sudo(user)}bash ${kitDirectory(owner)}/run.sh ${step}`;

/**
 * The line that takes a step back, with the text that it was carried out with. A host without any records has nothing to be undone: it was recreated by
 * other means. What is sent is read all the same.
 */
export const undoCommand = (owner: string, user: string, step: string) =>
	`${sudo(user)}sh -c 'if [ -d ${recordDirectory(owner)} ]; then exec bash ${kitDirectory(owner)}/undo.sh ${step}; fi; cat > /dev/null'`;

/** The files by their path in the directory. */
function kitFiles(): Map<string, string> {
	const files = new Map<string, string>();
	for (const [from, to] of [
		["host/steps", ""],
		["host/agents", "agent"],
	] as const) {
		const names = fs.readdirSync(path.join(project, from), { recursive: true, encoding: "utf8" }).sort();
		for (const name of names.filter((name) => /\.(sh|py)$/.test(name)))
			files.set(path.posix.join(to, name.split(path.sep).join("/")), fs.readFileSync(path.join(project, from, name), "utf8"));
	}
	return files;
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** Whether a script belongs to a step, and is what carries it out. */
const stepOf = (file: string) => /^(\w[\w-]*\/[\w-]+)\.sh$/.exec(file)?.[1];

let read: Kit | undefined;

export interface Kit {
	/** By their path in the directory. */
	files: ReadonlyMap<string, string>;
	/** Hash of all files. */
	version: string;
}

/** The scripts of this program. */
export function kit(): Kit {
	if (read) return read;
	const files = kitFiles();
	// A step that is asked for by another version of its script is refused on the host.
	const versions = [...files.keys()].flatMap((file) => stepOf(file) ?? []).map((step) => `${step} ${versionOf(files, step)}\n`);
	files.set("versions", versions.join(""));
	const sums = [...files].map(([file, content]) => `${hash(content)}  ${file}\n`).join("");
	files.set("sums", sums);
	read = { files, version: hash(sums).slice(0, 12) };
	return read;
}

/**
 * The version of a step: of its script alone. A change of lib.sh is no reason to carry out all steps of all hosts once more. `none` where a step has
 * no script, but only data.
 */
export const stepVersion = (step: string): string => versionOf(kit().files, step);

const versionOf = (files: ReadonlyMap<string, string>, step: string) => {
	const script = files.get(`${step}.sh`);
	if (script === undefined) return "none";
	// With what it has in common with other steps of its part.
	const shared = [...script.matchAll(/^\. "\$kit\/([\w/-]+\.sh)"$/gm)].map(([, file = ""]) => files.get(file));
	return hash([script, ...shared].join("")).slice(0, 8);
};

/** A script of host/steps with the variables that it reads, for a host that has no kit, or needs none. Pure. */
export function scriptText(name: string, settings: Record<string, string | number | string[]> = {}): string {
	const text = kit().files.get(`${name}.sh`);
	if (text === undefined) throw new Error(`there is no script host/steps/${name}.sh`);
	const assign = ([name, value]: [string, string | number | string[]]) =>
		`${name}=${Array.isArray(value) ? `(${value.map(shellQuote).join(" ")})` : shellQuote(String(value))}`;
	return [...Object.entries(settings).map(assign), text.trim()].join("\n");
}

/** An archive of the kit, for tar. */
export async function kitArchive(): Promise<Buffer> {
	const archive = pack();
	for (const [name, content] of kit().files) archive.entry({ name, mode: 0o644 }, content);
	archive.finalize();
	const parts: Buffer[] = [];
	for await (const part of archive) parts.push(part as Buffer);
	return Buffer.concat(parts);
}

/** A script of host/container: what runs in a task's container, and stands in its service's spec. Without comments: they are no change of the service. */
export function containerScript(name: string): string {
	const text = fs.readFileSync(path.join(project, "host", "container", `${name}.sh`), "utf8");
	return text.replace(/^\s*#.*\n/gm, "").trim();
}
