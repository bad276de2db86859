import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { apps, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);
beforeEach(() => lab.configure());

describe.skipIf(noEngine)("a rollout", () => {
	test("tells what the prober saw of it", async () => {
		lab.configure({ WAS_VERSION: "2", SHUTDOWN: "immediate" }, { rollout: { prober: { ratePerSecond: 2, failOnError: true } } });
		await lab.converge();
		const outputs = (await lab.stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
		expect(outputs.lastRollout).toMatchObject({ failed: 0 });
		expect(outputs.lastRollout.total).toBeGreaterThan(20);
	});

	// More of what may come across one is in test/faults.
	test("loses no request and runs none twice, one node closed at a time, with an application that dies at once and the manager's Docker restarted", async () => {
		lab.configure({ WAS_VERSION: "3", SHUTDOWN: "immediate" });
		const { load, watched } = await lab.underLoad(
			async () => {
				const up = await lab.beginRollout();
				const ready = () => lab.nodesWith("WAS_VERSION=3").catch(() => -1);
				await expect.poll(ready, { timeout: 300_000, interval: 1000 }).toBeGreaterThan(0);
				await lab.restartDocker("manager");
				await expect.poll(ready, { timeout: 600_000, interval: 1000 }).toBe(apps.length);
				await lab.endRollout(up, "--refresh");
			},
			{ clients: 6, maxDelayMs: 1500 },
		);
		expect(load.samples.length).toBeGreaterThan(100);
		expect(watched.closed).toEqual(apps);
		await lab.expectVersion("3");
		await lab.expectNothingDrained();
	});

	test("is named in the preview, with what it disrupts", async () => {
		lab.configure({ WAS_VERSION: "4" });
		const { output } = await lab.stack.previewText();
		expect(output).toMatch(/env.* replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time/);
		expect(output).toMatch(/WAS_VERSION/);
	});
});
