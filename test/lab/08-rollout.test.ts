import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { apps, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);
beforeEach(() => lab.configure());

describe.skipIf(noEngine)("a rollout", () => {
	// More of what may come across one is in test/faults.
	test("loses no request and runs none twice, one node closed at a time, with an application that dies at once", async () => {
		const prober = { ratePerSecond: 1, failOnError: true };
		lab.configure({ WAS_VERSION: "2", SHUTDOWN: "immediate" }, { rollout: { prober } });
		const { load, watched } = await lab.underLoad(() => lab.converge(), { maxDelayMs: 2000 });
		expect(load.samples.length).toBeGreaterThan(100);
		expect(watched.closed).toEqual(apps);
		await lab.expectVersion("2");
		await lab.expectNothingDrained();
	});

	test("tells what the prober saw of it", async () => {
		const outputs = (await lab.stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
		const { lastRollout } = outputs.services["babble-was"];
		expect(lastRollout).toMatchObject({ failed: 0 });
		expect(lastRollout.total).toBeGreaterThan(20);
	});

	test("is named in the preview, with what it disrupts", async () => {
		lab.configure({ WAS_VERSION: "3" });
		const { output } = await lab.stack.previewText();
		expect(output).toMatch(/env.* replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time/);
		expect(output).toMatch(/WAS_VERSION/);
	});
});
