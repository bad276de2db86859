import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { filesHere, placesOn, watchProcesses } from "../../support/search.ts";
import { connection } from "../fixtures.ts";

/* The search for planted secrets finds what is there. This machine stands in for a host, and a file for its journal. */

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-search-"));
afterAll(() => fs.rmSync(scratch, { recursive: true }));

vi.mock("../../../lib/ssh.ts", () => ({
	execAsRoot: (_connection: unknown, script: string, { stdin = "" } = {}) =>
		new Promise<string>((resolve, reject) => {
			const child = spawn("bash", [
				"--norc",
				"-euo",
				"pipefail",
				"-c",
				`journalctl() { cat ${scratch}/journal 2> /dev/null; }\n${script.replaceAll("/run/", `${scratch}/`)}`,
			]);
			let output = "";
			child.stdout.on("data", (data) => (output += data));
			child.once("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`exit status ${code}`))));
			// A script may end before it has read everything.
			child.stdin.on("error", () => {}).end(stdin);
		}),
}));

const noProc = spawnSync("test", ["-r", "/proc/self/cgroup"]).status !== 0;

test.skipIf(noProc)("finds a value in a command line, an environment and a file, and nothing where there is none", async () => {
	const [inArguments, inEnvironment, inFile, nowhere] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
	const env = { ...process.env, PLANTED: inEnvironment };
	const sleeper = spawn("bash", ["-c", "sleep 60; true", `planted-${inArguments}`], { env, detached: true });
	const file = path.join(scratch, "file");
	fs.writeFileSync(file, `text ${inFile} text\n`);
	try {
		const places = await placesOn(connection(), [inArguments, inEnvironment, inFile], [scratch]);
		expect(places).toContain(`/proc/${sleeper.pid}/cmdline of bash`);
		expect(places).toContain(`/proc/${sleeper.pid}/environ of bash`);
		expect(places).toContain(file);
		expect(await placesOn(connection(), [nowhere], [scratch])).toEqual([]);
		fs.writeFileSync(path.join(scratch, "journal"), `${inFile}\n`.repeat(100_000));
		expect(await placesOn(connection(), [inFile], ["/nowhere"])).toEqual(["the journal", "a command line in the journal"]);
		fs.rmSync(path.join(scratch, "journal"));
		expect(filesHere(scratch, [inFile], 0)).toEqual([file]);
		expect(filesHere(scratch, [inFile], Date.now() + 60_000), "an older file is not of this run").toEqual([]);
		expect(filesHere(scratch, [nowhere], 0)).toEqual([]);
	} finally {
		process.kill(-(sleeper.pid as number));
	}
});

test.skipIf(noProc)("sees a process that comes and goes", async () => {
	const value = randomUUID();
	const watch = watchProcesses(connection(), [value]);
	const sleeper = spawn("sleep", ["3"], { env: { ...process.env, PLANTED: value } });
	await new Promise((resolve) => sleeper.once("close", resolve));
	expect(await watch.stop()).toEqual([`/proc/${sleeper.pid}/environ of sleep`]);
});
