import { type Drift, everyStep, own } from "../lib/drift.ts";
import { printable } from "../lib/printable.ts";

/*
 * What a step on a host works with, as text by lines: the standard input of host/steps/run.sh. A line of a preview's diff is a line of it. Headings begin
 * with `@`, which no YAML or JSON does: the engine would take those apart and show what is not changed as well. Content is indented by two spaces.
 */

/** A file that a step puts on its host. */
export interface StepFile {
	path: string;
	content: string;
	/** Octal (default `0644`). */
	mode?: string;
	/** `user:group` (default `root:root`). */
	owner?: string;
	/** The step's script puts it in place, when the moment has come. Otherwise that is done before the script begins. */
	isStaged?: boolean;
}

export interface StepDirectory {
	path: string;
	/** Octal (default `0755`). */
	mode?: string;
	/** `user:group`, by name or number; without it, whose it is stays as it is. */
	owner?: string;
}

/** Programs of host/agents/ in a directory of their own. */
export interface StepProgram {
	directory: string;
	/** Hash of all modules. */
	version: string;
	/** Names without `.py`. */
	modules: string[];
}

/** Data of a step. What is put on the host here, and the checks, are compared by each refresh; where something differs, the step is carried out again. */
export interface StepData {
	/** Variables of the step's script; a list is an array there. */
	settings?: Record<string, string | number | boolean | string[]>;
	/** Debian packages that have to be installed, before all else. */
	packages?: string[];
	/** Made, with owner and mode. */
	directories?: StepDirectory[];
	program?: StepProgram;
	files?: StepFile[];
	/** systemd units that are enabled and run once the step is done. */
	units?: string[];
	/** Further checks, each by its kind (a function `check_<kind>` of host/steps/checks.sh) and what it checks. */
	checks?: string[];
	/** What no script reads: the step is carried out again when it changes. */
	because?: Record<string, string>;
}

/** Which step it is. */
export interface StepNames {
	/** Its script: `nfs/clients` is host/steps/nfs/clients.sh. */
	step: string;
	/** Hash of the script. */
	version: string;
	/** Name of its record on the host. */
	record: string;
}

/** The text. Pure. @throws Error for a value that has no place in a line. */
export function manifest(names: StepNames, data: StepData, drift: Drift = {}): string {
	const { settings = {}, packages = [], directories = [], program, files = [], units = [], checks = [], because = {} } = data;
	const heading = (...words: (string | number | boolean)[]) => oneLine(`@${words.join(" ")}`);
	return [
		heading("step", names.step, names.version),
		...driftOf(names.record, drift).map((text) => heading("drift", text)),
		...Object.entries(settings).flatMap(([name, value]) =>
			Array.isArray(value) ? value.map((item) => heading("add", variable(name), item)) : [heading("set", variable(name), value)],
		),
		...packages.map((name) => heading("package", name)),
		...directories.map(({ path, mode = "0755", owner = "-" }) => heading("directory", mode, owner, path)),
		...(program ? [heading("program", program.directory, program.version, ...program.modules)] : []),
		...files.flatMap(({ path, content, mode = "0644", owner = "root:root", isStaged }) => [
			heading(isStaged ? "staged" : "file", mode, owner, path),
			...content
				.replace(/\n$/, "")
				.split("\n")
				.map((line) => `  ${line}`),
		]),
		...units.map((name) => heading("unit", name)),
		...checks.map((check) => heading("check", check)),
		...Object.entries(because).map(([name, value]) => heading("because", name, value)),
		heading("record", names.record),
		"",
	].join("\n");
}

/** What refreshes found at the step, a line each. */
function driftOf(record: string, drift: Drift): string[] {
	const found = [everyStep, record].flatMap((key) => own(drift, key) ?? []);
	// Whatever a host says, it is one line of text.
	return found.flatMap(({ seen, differs }) =>
		Object.entries(differs).map(([subject, state]) => printable(`${seen} ${subject} is ${state}`.replace(/\s+/g, " "))),
	);
}

/** Variables that run.sh and lib.sh have themselves. */
const taken = ["kit", "packages", "record", "records", "step", "step_version", "work"];

function variable(name: string): string {
	if (!/^[a-z][a-z_]*$/.test(name) || taken.includes(name)) throw new Error(`no name for a setting of a step: ${name}`);
	return name;
}

function oneLine(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: these would end the line, or the program that reads it
	if (/[\x00-\x1f\x7f]/.test(text)) throw new Error(`no line of a step: a control character in ${text.split(" ", 2).join(" ")}`);
	return text;
}

/** The settings in a step's text. Pure. */
export function settingsIn(text: string): Record<string, string> {
	return Object.fromEntries([...text.matchAll(/^@set (\S+) (.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));
}
