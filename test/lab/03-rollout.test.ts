import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Load, runTwice } from "../../bench/load.ts";
import { closeConnections } from "../../lib/ssh.ts";
import { expectNoLoss, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);
beforeEach(() => lab.configure());

describe.skipIf(noEngine)("a rollout", () => {
	test("loses no request and runs none twice, with an application that dies at once", async () => {
		lab.configure({ WAS_VERSION: "2", SHUTDOWN: "immediate" });
		await lab.converge();
		const load = new Load({ url: lab.endpoint, clients: 6, keepAlive: true, maxDelayMs: 1500 });
		lab.configure({ WAS_VERSION: "3", SHUTDOWN: "immediate" }, { rollout: { prober: { ratePerSecond: 2, failOnError: true } } });
		await lab.converge();
		await load.stop();
		await lab.expectVersion("3");
		expect(load.samples.length).toBeGreaterThan(100);
		expectNoLoss(load);
		await new Promise((resolve) => setTimeout(resolve, 35_000));
		expect(runTwice(load.samples, await lab.on("log", "cat /mnt/main-was-logs/*.log"))).toBe(0);
		const outputs = (await lab.stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
		expect(outputs.lastRollout).toMatchObject({ failed: 0 });
		expect(outputs.lastRollout.total).toBeGreaterThan(20);
		await lab.expectNothingDrained();
	});

	test("is named in the preview, with what it disrupts", async () => {
		lab.configure({ WAS_VERSION: "4" });
		const { output } = await lab.stack.previewText();
		expect(output).toMatch(/env.* replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time/);
		expect(output).toMatch(/WAS_VERSION/);
	});
});
