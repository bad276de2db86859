import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestModule } from "vitest/node";
import { missingEngine } from "../lab/engine.ts";

/*
 * Runs the test layers one after another and sums them up:
 *
 *   node test/run.ts [unit] [engine] [lab] [prod] [faults] [FILE...]      without a layer the first three
 *
 * FILE is how a test file's name begins, below its layer's directory: `16` or `config/faults`. With one or several only those files are run.
 *
 * The last line is `N passed, N failed, N skipped`. What never came to a test (a suite that does not load, a lab that does not come up, a
 * layer without tests) counts as one failure. Exits with 1 when anything failed or nothing ran.
 */

const layers = ["unit", "engine", "lab", "prod", "faults"];
/** The others take too long for every change: the prod stack a quarter of an hour, the faults more than one. */
const usual = layers.slice(0, 3);
const project = path.resolve(import.meta.dirname, "..");

/** What is read of vitest's JSON report. */
interface Report {
	testResults: {
		/** The test file. */
		name: string;
		status: "passed" | "failed";
		message: string;
		assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
	}[];
}

/** Why tests were skipped, as they said in `context.skip(condition, note)`: by `keyOf`. */
type Notes = Record<string, string>;

const keyOf = (file: string, fullName: string) => `${file} ${fullName}`;
const notesVariable = "SCALEOUT_TEST_NOTES";

/** A reporter for vitest, which loads this file for it: the JSON report leaves the notes out. */
export default class NotesReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[]): void {
		const notes: Notes = {};
		for (const module of modules) {
			for (const test of module.children.allTests("skipped")) {
				const { note } = test.result() as { note?: string };
				if (note) notes[keyOf(module.moduleId, test.fullName.replaceAll(" > ", " "))] = note;
			}
		}
		fs.writeFileSync(process.env[notesVariable] as string, JSON.stringify(notes));
	}
}

interface Skipped {
	name: string;
	/** Absent when the test does not tell. */
	reason?: string;
}

interface Summary {
	passed: number;
	/** One line for each failure. */
	failed: string[];
	skipped: Skipped[];
}

/** Adds up a layer. `report` is absent when vitest ended without one. Pure. */
export function summarize(layer: string, code: number, report: Report | undefined, notes: Notes = {}): Summary {
	const summary: Summary = { passed: 0, failed: [], skipped: [] };
	for (const { name, status, message, assertionResults } of report?.testResults ?? []) {
		const file = path.relative(project, name);
		const failed = assertionResults.filter((test) => test.status === "failed");
		// The file failed, but none of its tests did: it does not load, or a hook failed and its tests did not run.
		const broken = status === "failed" && failed.length === 0;
		summary.passed += assertionResults.filter((test) => test.status === "passed").length;
		summary.failed.push(...failed.map(({ fullName, failureMessages }) => `${file}: ${fullName}${briefly(failureMessages?.[0])}`));
		if (broken) summary.failed.push(`${file}: ${message.split("\n")[0] || "did not run to its end"}`);
		for (const { fullName, status } of assertionResults) {
			if (status === "passed" || status === "failed") continue;
			summary.skipped.push({
				name: `${file}: ${fullName}`,
				reason: notes[keyOf(name, fullName)] ?? (broken ? "its file failed" : undefined),
			});
		}
	}
	if (summary.failed.length === 0) {
		const ran = summary.passed + summary.skipped.length;
		if (code !== 0) summary.failed.push(`${layer}: vitest ended with ${code}, see above`);
		else if (ran === 0) summary.failed.push(`${layer}: there are no tests`);
	}
	return summary;
}

/** The reason without the stack, on one line: of a long log often nothing but the end is kept. */
function briefly(failure = ""): string {
	const reason = stripVTControlCharacters(failure)
		.split(/\n\s+at /)[0]
		?.replace(/\s+/g, " ")
		.trim();
	return reason ? `: ${reason.length > 500 ? `${reason.slice(0, 500)}…` : reason}` : "";
}

let interrupted = false;

/** Those of a layer's test files, by their paths below its directory, that are asked for. Pure. */
export function selected(files: string[], words: string[]): string[] {
	return files.filter((file) => file.endsWith(".test.ts") && words.some((word) => file.startsWith(word))).sort();
}

const directoryOf = (layer: string) => path.join(project, "test", layer);
const filesOf = (layer: string) => fs.readdirSync(directoryOf(layer), { recursive: true }) as string[];

/** Runs one layer, or some of its files, its output going to the terminal. Waits for vitest even when interrupted, so that the lab is taken down. */
async function run(layer: string, files: string[], directory: string): Promise<Summary> {
	const [outputFile, notesFile] = [path.join(directory, `${layer}.json`), path.join(directory, `${layer}-notes.json`)];
	const vitest = path.join(project, "node_modules", "vitest", "vitest.mjs");
	const reporters = ["default", "json", import.meta.filename].map((reporter) => `--reporter=${reporter}`);
	const filters = files.map((file) => path.join(directoryOf(layer), file));
	const args = [vitest, "run", ...filters, "--project", layer, ...reporters, `--outputFile=${outputFile}`];
	const env = { ...process.env, [notesVariable]: notesFile };
	const child = spawn(process.execPath, args, { cwd: project, env, stdio: ["ignore", "inherit", "inherit"] });
	const forward = (signal: NodeJS.Signals) => {
		interrupted = true;
		// A terminal sends its interrupt to vitest as well.
		if (signal === "SIGTERM") child.kill(signal);
	};
	process.on("SIGINT", forward).on("SIGTERM", forward);
	const code = await new Promise<number>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (status) => resolve(status ?? 1));
	});
	process.off("SIGINT", forward).off("SIGTERM", forward);
	const read = (file: string) => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined);
	return summarize(layer, code, read(outputFile), read(notesFile));
}

async function main(args: string[]): Promise<void> {
	const named = layers.filter((layer) => args.includes(layer));
	const words = args.filter((word) => !layers.includes(word));
	const wanted = named.length > 0 ? named : usual;
	const unknown = words.filter((word) => wanted.every((layer) => selected(filesOf(layer), [word]).length === 0));
	if (unknown.length > 0) {
		process.stderr.write(
			`no test layer or file ${unknown.join(", ")}: use ${layers.join(", ")}, or how a file below test/${wanted[0]} begins\n`,
		);
		process.exitCode = 2;
		return;
	}
	const summaries: Summary[] = [];
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-tests-"));
	try {
		for (const layer of wanted) {
			const files = selected(filesOf(layer), words);
			if (words.length > 0 && files.length === 0) continue;
			if (interrupted) summaries.push({ passed: 0, failed: [`${layer}: interrupted before it began`], skipped: [] });
			else {
				process.stdout.write(`\n=== ${layer} ===\n`);
				summaries.push(await run(layer, files, directory));
			}
		}
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
	const passed = summaries.reduce((sum, summary) => sum + summary.passed, 0);
	const failed = summaries.flatMap((summary) => summary.failed);
	const skipped = summaries.flatMap((summary) => summary.skipped);
	process.stdout.write(["", ...failed.map((line) => `FAILED  ${line}`), ...describeSkipped(skipped), ""].join("\n"));
	process.stdout.write(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped\n`);
	if (failed.length > 0 || passed === 0) process.exitCode = 1;
}

/** One line a test, with its note; and why there is no engine, when a test beyond the unit tests is skipped without one. */
function describeSkipped(skipped: Skipped[]): string[] {
	const silent = skipped.some(({ name, reason }) => !reason && !name.startsWith(path.join("test", "unit")));
	const engine = silent ? missingEngine() : undefined;
	const lines = skipped.map(({ name, reason }) => `SKIPPED ${name}${reason ? `: ${reason}` : ""}`);
	return engine ? [...lines, `Tests of the engine are skipped because ${engine}`] : lines;
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
