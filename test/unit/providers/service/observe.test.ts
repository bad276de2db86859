import { describe, expect, test } from "vitest";
import { observe } from "../../../../providers/service/observe.ts";
import { provider } from "../../../../providers/service/provider.ts";
import type { ServiceOutputs } from "../../../../providers/service/resource.ts";
import { serviceInputs } from "./inputs.ts";
import { Stand } from "./stand.ts";

/* What a refresh tells. */

const inputs = serviceInputs();

async function seen(change: (stand: Stand) => void = () => {}): Promise<ServiceOutputs["observed"]> {
	const stand = new Stand(inputs).runs();
	change(stand);
	return (await observe("service", inputs, stand.means)) as ServiceOutputs["observed"];
}
const isDrift = async (observed: ServiceOutputs["observed"]) =>
	(await provider.diff("service", { ...inputs, observed, imageDigest: inputs.image }, inputs)).changes;
const silent = (agent?: { state: string; seconds?: number; reason?: string }) => (stand: Stand) =>
	void stand.serving.set("worker2", { status: 0, isUnpublished: true, agent });

test("a service as it shall be is no drift, also with a tag beside its digest", async () => {
	const observed = await seen((stand) => {
		const container = stand.service?.Spec.TaskTemplate.ContainerSpec as { Image: string };
		container.Image = container.Image.replace("@", ":1.0@");
		stand.tasks = inputs.nodes.map(({ nodeId }) => stand.task(nodeId));
	});
	expect(observed).toEqual({ image: inputs.image, running: 3, differs: [] });
	expect(await isDrift(observed)).toBe(false);
});

describe("a task that Docker calls running, on a node that refuses connections,", () => {
	test("is drift, with its node and the reason", async () => {
		const observed = await seen(silent({ state: "serving" }));
		expect(observed.differs).toEqual(["worker2 does not serve: its task has no published port"]);
		expect(await isDrift(observed)).toBe(true);
	});

	test.each([
		["while its agent holds it closed for a while", silent({ state: "closed", seconds: 60 })],
		["while it waits for its turn", silent({ state: "waiting" })],
		[
			"while Swarm replaces tasks",
			(stand: Stand) => {
				silent()(stand);
				if (stand.service) stand.service.UpdateStatus = { State: "updating", Message: "" };
			},
		],
	])("is none %s", async (_what, change) => {
		expect(await isDrift(await seen(change))).toBe(false);
	});
});

test("a node that its agent keeps closed for longer than a start may take is drift, with the agent's reason; while an update runs it is none", async () => {
	const forGood = silent({ state: "closed", seconds: 3600, reason: "the gate cannot be opened" });
	const observed = await seen(forGood);
	expect(observed.differs).toEqual([
		expect.stringMatching(/^worker2 does not serve: .* \(its agent: closed, the gate cannot be opened\)$/),
	]);
	expect(await isDrift(observed)).toBe(true);
	const updating = await seen((stand) => {
		forGood(stand);
		if (stand.service) stand.service.UpdateStatus = { State: "updating", Message: "" };
	});
	expect(updating.differs).toEqual([]);
});

test("tasks of another version, and of nodes that shall have none, are not those that run", async () => {
	const observed = await seen((stand) => {
		(stand.tasks[0] as { NodeID: string }).NodeID = "another";
		(stand.tasks[1] as { Spec: { ForceUpdate?: number } }).Spec.ForceUpdate = 7;
	});
	expect(observed).toMatchObject({ running: 1, differs: [] });
	expect(await isDrift(observed)).toBe(true);
});

test("an update that Swarm stopped is drift", async () => {
	const observed = await seen((stand) => {
		if (stand.service) stand.service.UpdateStatus = { State: "paused", Message: "" };
	});
	expect(observed.differs).toEqual(["UpdateStatus: paused"]);
});

test("a service that is gone is told as gone", async () => {
	expect(await observe("service", inputs, new Stand(inputs).means)).toBeUndefined();
});
