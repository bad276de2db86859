import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Load } from "../../bench/load.ts";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "../support/lab.ts";

const lab = inject("lab");
const stack = labStack();
const original = structuredClone(stack.config["swarm-scaleout:service"]) as Record<string, unknown> & { env: Record<string, string> };
const on = (name: string, script: string) => execAsRoot(lab.connections[name] as Connection, script);
const apps = ["manager", "worker1", "worker2"];
const minutes = 60_000;

afterAll(closeConnections);

let generation = 0;
beforeEach(() => {
	const env = { ...original.env, WAS_VERSION: `interrupted-${++generation}` };
	stack.config["swarm-scaleout:service"] = { ...original, env };
});

async function expectConverged(...args: string[]): Promise<void> {
	const { code, output } = await stack.up(...args);
	expect(code, output).toBe(0);
	const found = new Set<string>();
	for (let i = 0; i < 12; i++) {
		const { host, version } = (await (await fetch(`${lab.endpoint}/version`)).json()) as { host: string; version: string };
		found.add(`${host} ${version}`);
	}
	expect([...found].sort()).toEqual(apps.map((app) => `${app} interrupted-${generation}`));
	for (const app of apps) expect(await on(app, "iptables -S SCALEOUT-DRAIN-8080 | grep -c REJECT || true")).toBe("0\n");
	expect(await on("manager", "docker node ls --format '{{.Availability}}' | sort -u")).toBe("Active\n");
}

const updateState = () =>
	on(
		"manager",
		"docker service inspect babble-was --format '{{if .UpdateStatus}}{{.UpdateStatus.State}} {{.UpdateStatus.StartedAt}}{{end}}'",
	);

/** Begins `pulumi up` and returns once Swarm has begun to replace tasks. */
async function beginUp() {
	const before = await updateState();
	stack.writeConfig();
	const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack.name, "--config-file", stack.configFile];
	const child = spawn("pulumi", args, { env: stack.env, stdio: "ignore", detached: true });
	const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? 255)));
	await expect.poll(updateState, { timeout: 3 * minutes, interval: 500 }).not.toBe(before);
	return { kill: () => process.kill(-(child.pid as number), "SIGKILL"), ended };
}

const phases: [name: string, reached: () => Promise<boolean>][] = [
	["as the first node is taken out", async () => true],
	[
		"as the first new task starts",
		async () => (await on("manager", "docker service ps babble-was --format '{{.CurrentState}}'")).includes("Starting"),
	],
];

describe.skipIf(lab.noEngine)("a rollout that is interrupted", () => {
	test.each(phases)(
		"by a killed CLI, %s: no request fails, Swarm finishes it, and the next up has nothing left to do",
		async (_name, reached) => {
			const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
			const up = await beginUp();
			await expect.poll(reached, { timeout: 3 * minutes, interval: 500 }).toBe(true);
			up.kill();
			await up.ended;
			await expect.poll(updateState, { timeout: 8 * minutes, interval: 3000 }).toMatch(/^completed/);
			await load.stop();
			expect(load.samples.filter(({ status }) => status !== 200)).toEqual([]);
			await stack.run("cancel", "--yes", "--stack", stack.name);
			await expectConverged();
		},
	);

	test("by a reboot of the manager: the next up converges", async () => {
		const up = await beginUp();
		await on("manager", "systemd-run --on-active=1 systemctl reboot --force --force").catch(() => {});
		await up.ended;
		await expectConverged("--refresh");
	});

	test("by the loss of a worker: the service serves, and the next up starts the machine again and converges", async () => {
		const up = await beginUp();
		process.kill(Number(fs.readFileSync(".lab/test/worker2/pid", "utf8")), "SIGKILL");
		for (let i = 0; i < 5; i++) expect((await fetch(`${lab.endpoint}/still`)).status).toBe(200);
		up.kill();
		await up.ended;
		await stack.run("cancel", "--yes", "--stack", stack.name);
		await expectConverged("--refresh");
	});
});
