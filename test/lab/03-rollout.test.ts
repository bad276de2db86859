import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Load, runTwice } from "../../bench/load.ts";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "../support/lab.ts";

const lab = inject("lab");
const stack = labStack();
const original = structuredClone(stack.config["swarm-scaleout:service"]) as Record<string, unknown> & { env: Record<string, string> };
const on = (name: string, script: string) => execAsRoot(lab.connections[name] as Connection, script);
const apps = ["manager", "worker1", "worker2"];

afterAll(closeConnections);
beforeEach(() => {
	stack.config["swarm-scaleout:service"] = structuredClone(original);
});

/** Changes the service's configuration: environment variables, and top-level keys. */
function configure(env: Record<string, string>, rest: object = {}): void {
	stack.config["swarm-scaleout:service"] = { ...original, ...rest, env: { ...original.env, ...env } };
}

async function converge(): Promise<void> {
	const { code, output } = await stack.up();
	expect(code, output).toBe(0);
}

/** Versions that answer, by host. */
async function versions(): Promise<Record<string, string>> {
	const found: Record<string, string> = {};
	for (let i = 0; i < 12; i++) {
		const answer = await fetch(`${lab.endpoint}/version`);
		expect(answer.status).toBe(200);
		const { host, version } = (await answer.json()) as { host: string; version: string };
		found[host] = version;
	}
	return found;
}

/** Nothing is left in the way of requests or of Swarm. */
async function expectNothingDrained(): Promise<void> {
	for (const app of apps) {
		await expect
			.poll(() => on(app, "iptables -S SCALEOUT-DRAIN-8080 | grep -c REJECT || true"), { timeout: 120_000, interval: 2000 })
			.toBe("0\n");
	}
	expect(await on("manager", "docker node ls --format '{{.Availability}}' | sort -u")).toBe("Active\n");
}

const all = (version: string) => Object.fromEntries(apps.map((app) => [app, version]));

describe.skipIf(lab.noEngine)("a rollout", () => {
	test("loses no request and runs none twice, with an application that dies at once", async () => {
		configure({ WAS_VERSION: "2", SHUTDOWN: "immediate" });
		await converge();
		const load = new Load({ url: lab.endpoint, clients: 6, keepAlive: true, maxDelayMs: 1500 });
		configure({ WAS_VERSION: "3", SHUTDOWN: "immediate" }, { rollout: { prober: { ratePerSecond: 2, failOnError: true } } });
		await converge();
		await load.stop();
		expect(await versions()).toEqual(all("3"));
		expect(load.samples.length).toBeGreaterThan(100);
		expect(load.samples.filter(({ status }) => status !== 200)).toEqual([]);
		await new Promise((resolve) => setTimeout(resolve, 35_000));
		expect(runTwice(load.samples, await on("log", "cat /mnt/main-was-logs/*.log"))).toBe(0);
		const outputs = (await stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
		expect(outputs.lastRollout).toMatchObject({ failed: 0 });
		expect(outputs.lastRollout.total).toBeGreaterThan(20);
		await expectNothingDrained();
	});

	test("is named in the preview, with what it disrupts", async () => {
		configure({ WAS_VERSION: "4" });
		const { output } = await stack.previewText();
		expect(output).toMatch(/env.* replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time/);
		expect(output).toMatch(/WAS_VERSION/);
	});
});

describe.skipIf(lab.noEngine)("a version that fails", () => {
	beforeEach(async () => {
		configure({ WAS_VERSION: "good" });
		await converge();
	});

	// The other ways to fail are in test/faults.
	test("because it never gets healthy is taken back, and up fails with the task's own error", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		configure({ WAS_VERSION: "bad", HEALTH_MODE: "never" }, { health: { deadlineSeconds: 20, intervalSeconds: 3, retries: 2 } });
		const { code, output } = await stack.up();
		await load.stop();
		expect(code).not.toBe(0);
		expect(output).toMatch(/unhealthy/);
		expect(output).toMatch(/the old one is back on all nodes/);
		expect(load.samples.filter(({ status }) => status !== 200)).toEqual([]);
		expect(await versions()).toEqual(all("good"));
		await expectNothingDrained();
		// State and service agree: with the old configuration nothing is to be done.
		configure({ WAS_VERSION: "good" });
		const { output: again } = await stack.up();
		expect(again).toMatch(/Resources:\s+\d+ unchanged\s/);
	});
});
