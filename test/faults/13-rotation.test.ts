import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { labEnvironment, labStack } from "../support/lab.ts";
import { expectNoLoss } from "../support/rollout.ts";
import { filesHere, watchProcesses } from "../support/search.ts";
import { forms, standNowhere } from "../support/secrets.ts";

const lab = inject("lab");
const stack = labStack();
const host = (name: string) => lab.connections[name] as Connection;
const on = (name: string, script: string) => execAsRoot(host(name), script);
const apps = ["manager", "worker1", "worker2"];
const file = "/run/secrets/spring.datasource.password";

/** New with every run: whatever holds them got them from this run. */
const rotated = { DATASOURCE_PASSWORD: `planted-${randomUUID()}`, REDIS_PASSWORD: `planted-${randomUUID()}` };
const began = Date.now();

afterAll(closeConnections);

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Digests of what a node's task has in its file and in its environment. */
async function held(name: string): Promise<string[]> {
	const script = `
container=$(docker ps -q --filter label=com.docker.swarm.service.name=babble-was)
process=/proc/$(docker inspect -f '{{.State.Pid}}' "$container")
sha256sum < $process/root${file}
while IFS= read -r -d '' variable; do
  case $variable in REDIS_PASSWORD=*) printf %s "\${variable#*=}" | sha256sum ;; esac
done < $process/environ
`;
	return (await on(name, script))
		.trim()
		.split("\n")
		.map((line) => line.split(" ")[0] as string);
}

const secretNames = async () => (await on("manager", "docker secret ls --format '{{.Name}}'")).trim().split("\n");

describe.skipIf(lab.noEngine)("changed passwords", () => {
	const outputs: string[] = [];
	let secretsBefore: string[];
	let load: Load;
	let seenInProcesses: string[];

	beforeAll(async () => {
		secretsBefore = await secretNames();
		Object.assign(stack.env, rotated);
	});

	afterAll(async () => {
		Object.assign(stack.env, labEnvironment);
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect(await held("worker1")).toEqual(Object.values(labEnvironment).map(digest));
	});

	test("are previewed as a rolling update, and not shown", async () => {
		const { code, output } = await stack.previewText();
		outputs.push(output);
		expect(code, output).toBe(0);
		expect(output).toMatch(/secretEnv, secrets replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time/);
		const steps = (await stack.preview()).filter(({ op }) => op !== "same");
		const names = new Set(steps.map(({ urn }) => urn.split("::").at(-1)));
		expect([...names].sort()).toEqual(["babble-was", "babble-was-spring.datasource.password"]);
		expect(JSON.stringify(steps)).not.toContain("planted-");
	});

	test("are with every task after up, and no request failed meanwhile", async () => {
		load = new Load({ url: lab.endpoint, clients: 4, keepAlive: true, maxDelayMs: 1000 });
		const watch = watchProcesses(host("manager"), forms(Object.values(rotated)));
		const { code, output } = await stack.up("--diff");
		outputs.push(output);
		await load.stop();
		seenInProcesses = await watch.stop();
		expect(code, output).toBe(0);
		for (const app of apps) expect(await held(app), app).toEqual(Object.values(rotated).map(digest));
		expectNoLoss(load);
	});

	test("leave no old Docker secret", async () => {
		const after = await secretNames();
		expect(after).toHaveLength(1);
		expect(after[0]).toMatch(/^babble-was-spring\.datasource\.password-[0-9a-f]{12}$/);
		expect(secretsBefore).not.toContain(after[0]);
	});

	test("stand in no output of the engine, and in the command line of no process", () => {
		expect(outputs).toHaveLength(2);
		for (const output of outputs) for (const value of forms(Object.values(rotated))) expect(output).not.toContain(value);
		expect(seenInProcesses).toEqual([]);
	});

	test("stand in no temporary file of the operator's machine; key files there are their owner's alone", () => {
		const since = Math.max(began, Date.now() - 3_600_000);
		expect(filesHere(os.tmpdir(), forms(Object.values(rotated)), since)).toEqual([]);
		const directory = path.join(os.homedir(), ".cache", "swarm-scaleout", "ssh");
		expect(filesHere(directory, forms(Object.values(rotated)), since)).toEqual([]);
		expect(fs.statSync(directory).mode & 0o777).toBe(0o700);
		for (const entry of fs.readdirSync(directory, { withFileTypes: true }).filter((found) => found.isFile())) {
			expect(fs.statSync(path.join(directory, entry.name)).mode & 0o777, entry.name).toBe(0o600);
		}
	});

	standNowhere("and what else is secret", stack, Object.values(rotated));
});
