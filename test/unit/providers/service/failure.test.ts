import { describe, expect, test } from "vitest";
import { PartialFailure } from "../../../../providers/define.ts";
import { failure, provider } from "../../../../providers/service/provider.ts";
import type { ServiceInputs, ServiceOutputs } from "../../../../providers/service/resource.ts";
import { RolloutError } from "../../../../providers/service/settle.ts";
import { serviceInputs } from "./inputs.ts";
import { Stand } from "./stand.ts";

/* What the state says after a rollout that failed: the next `up` goes by it. */

const version = (number: number) => serviceInputs({ image: `was@sha256:${String(number).repeat(64)}` });
const state = (inputs: ServiceInputs) => ({
	...inputs,
	serviceId: "service",
	imageDigest: inputs.image,
	observed: { image: inputs.image, running: 3, differs: [] },
	lastRollout: null,
});
const rolledBack = new RolloutError("service", true, "the new version failed");
const after = (running: ServiceInputs, error = rolledBack) =>
	failure(error, version(3), state(version(1)), new Stand(version(1)).runs(running).means);

/** Whether the next `up` with these inputs has something to do. */
async function hasWork(error: Error, inputs: ServiceInputs): Promise<boolean | undefined> {
	const outputs = (error as PartialFailure).outputs as ServiceOutputs;
	return (await provider.diff("service", { ...version(3), ...outputs }, inputs)).changes;
}

describe("after a version that failed", () => {
	test("and was put back to what the state says, the state stays", async () => {
		expect(await after(version(1))).not.toBeInstanceOf(PartialFailure);
	});

	test("and was put back to one that came half-way before it, the next up has something to do, whatever is asked for", async () => {
		const error = await after(version(2));
		expect(error).toBeInstanceOf(PartialFailure);
		expect((error as PartialFailure).outputs).toMatchObject({
			imageDigest: version(3).image,
			observed: { image: version(2).image, differs: ["TaskTemplate.ContainerSpec.Image"] },
		});
		expect(error.message).toMatch(/what is back had itself come half-way only/);
		for (const number of [1, 2, 3]) expect(await hasWork(error, version(number)), `version ${number}`).toBe(true);
	});

	test("and was not put back, the state says what is there", async () => {
		const error = await after(version(3), new RolloutError("service", false, "not done after 900 s"));
		expect(error).toMatchObject({ outputs: { observed: { image: version(3).image, running: 3 } } });
	});

	test("and of which nothing can be told, the next up has something to do", async () => {
		const { means } = new Stand(version(1));
		const error = await failure(new RolloutError("service", false, "not done"), version(3), state(version(1)), means);
		expect(await hasWork(error, version(3))).toBe(true);
	});
});
