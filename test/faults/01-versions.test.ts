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

describe.skipIf(lab.noEngine)("a version that fails", () => {
	beforeEach(async () => {
		configure({ WAS_VERSION: "good" });
		await converge();
	});

	const failures: [name: string, env: Record<string, string>, rest: object, message: RegExp][] = [
		["never gets healthy", { HEALTH_MODE: "never" }, { health: { deadlineSeconds: 20, intervalSeconds: 3, retries: 2 } }, /unhealthy/],
		["crashes at start", { HEALTH_MODE: "nonsense" }, {}, /non-zero exit \(1\)/],
		[
			"crashes after it was healthy, within the monitor time",
			{ HEALTH_MODE: "crash", CRASH_AFTER_MS: "8000" },
			{ rollout: { monitorSeconds: 30 } },
			/non-zero exit \(3\)/,
		],
	];
	test.each(failures)("is taken back, and up fails with the task's own error: %s", async (_name, env, rest, message) => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		configure({ WAS_VERSION: "bad", ...env }, rest);
		const { code, output } = await stack.up();
		await load.stop();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		expect(output).toMatch(/the old one is back on all nodes/);
		expect(load.samples.filter(({ status }) => status !== 200)).toEqual([]);
		expect(await versions()).toEqual(all("good"));
		await expectNothingDrained();
		// State and service agree: with the old configuration nothing is to be done.
		configure({ WAS_VERSION: "good" });
		const { output: again } = await stack.up();
		expect(again).toMatch(/Resources:\s+\d+ unchanged\s/);
	});

	test("an image that cannot be pulled is taken back", async () => {
		const image = stack.config["swarm-scaleout:image"] as object;
		stack.config["swarm-scaleout:image"] = { ...image, pin: `sha256:${"0".repeat(64)}` };
		const { code, output } = await stack.up();
		stack.config["swarm-scaleout:image"] = image;
		expect(code).not.toBe(0);
		expect(output).toMatch(/No such image: .*@sha256:0000/);
		expect(await versions()).toEqual(all("good"));
	});
});
