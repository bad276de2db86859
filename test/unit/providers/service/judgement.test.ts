import { describe, expect, test } from "vitest";
import type { Class } from "../../../../lib/disruption.ts";
import { judge, judgeUpdate } from "../../../../providers/service/judgement.ts";
import type { Act } from "../../../../providers/service/plan.ts";
import type { ServiceInputs, ServiceOutputs } from "../../../../providers/service/resource.ts";
import { serviceInputs as inputs, rollout } from "./inputs.ts";

type State = ServiceInputs & ServiceOutputs;
const mount = inputs().mount as Extract<ServiceInputs["mount"], { type: "volume" }>;
const pace = (change: Partial<ServiceInputs["rollout"]>) => ({ rollout: { ...rollout, ...change } });
const one = { nodes: inputs().nodes.slice(0, 1) };

function state(observed: Partial<ServiceOutputs["observed"]> = {}, change: Partial<ServiceInputs> = {}): State {
	const olds = inputs(change);
	return {
		...olds,
		serviceId: "service",
		imageDigest: olds.image,
		observed: { image: olds.image, running: 3, differs: [], ...observed },
		lastRollout: null,
	};
}
const judged = (change: Partial<ServiceInputs>, olds = state()) => judgeUpdate(Object.keys(change), olds, inputs(change));

describe("what a change does", () => {
	// biome-ignore format: one a row
	test.each<[string, Partial<ServiceInputs>, Class, string | RegExp]>([
		["another image", { image: "was@sha256:2" }, "lossless rolling", /^image replaces the tasks of babble-was: lossless rolling update, 1 of 3 nodes at a time; no request fails, one node less serve meanwhile; what is in flight longer than 30 s is cut; on failure: rollback$/],
		["a secret value", { secretEnv: { PASSWORD: "planted" } }, "lossless rolling", /^secretEnv replaces/],
		["another health path", { health: { ...inputs().health, path: "/other" } }, "lossless rolling", /^health replaces/],
		["another port in the container", { publish: { mode: "host", target: 80, published: 8080 } }, "lossless rolling", /^publish replaces/],
		["another published port", { publish: { mode: "host", target: 8080, published: 80 } }, "interruption", /then, until the load balancer learns the new port, requests fail$/],
		["another drain limit, by which the new tasks are drained later", pace({ drainLimitSeconds: 20 }), "lossless rolling", /^rollout replaces.*; what is in flight longer than 30 s is cut/],
		["another pause between nodes", pace({ delaySeconds: 9 }), "none", "rollout: the tasks stay as they are"],
		["another prober", pace({ prober: { path: "/", ratePerSecond: 5, failOnError: true } }), "none", "rollout: the tasks stay as they are"],
		["more nodes", { nodes: [], replicas: 4 }, "none", "nodes, replicas: the tasks stay as they are"],
		["other mount options", { mount: { ...mount, options: "soft" } }, "lossless rolling", /^mount replaces/],
		["another name", { name: "other" }, "interruption", "name: the service is removed and another one made: nothing answers until its tasks do"],
		["another way to publish", { publish: { mode: "ingress", target: 8080, published: 8080 } }, "interruption", "publish.mode: the service is removed and another one made: nothing answers until its tasks do"],
		["another place for the logs", { mount: { ...mount, device: ":/other" } }, "data", /^logs go to another place, those of before stay; mount replaces/],
	])("%s", (_what, change, expected, reason) => {
		expect(judged(change)).toEqual({ class: expected, reason: typeof reason === "string" ? reason : expect.stringMatching(reason) });
		expect(judged(change).reason).not.toContain("planted");
	});
});

test("the stop of tasks that were not made to announce it is not promised to be drained", () => {
	const verdict = judgeUpdate(["rollout"], state({}, pace({ strategy: "swarm" })), inputs());
	expect(verdict.reason).toMatch(/in flight longer than a second, once, as Docker does not announce the old tasks' stop, is cut/);
	expect(judgeUpdate(["restart"], state({}), inputs({ restart: 1 })).reason).toContain("longer than 30 s is cut");
});

describe("what an update does", () => {
	// biome-ignore format: one a row
	test.each<[string, Partial<ServiceInputs>, Class, RegExp]>([
		["two at a time", pace({ parallelism: 2 }), "lossless rolling", /2 of 3 nodes at a time; no request fails, 2 nodes less/],
		["in an order", pace({ order: ["worker2"] }), "lossless rolling", /1 of 3 nodes at a time, first worker2; no request fails/],
		["in an order, whatever the parallelism", pace({ order: ["worker2"], parallelism: 3 }), "lossless rolling", /1 of 3 nodes at a time/],
		["on nodes that are not known yet", { nodes: "unknown" as never }, "lossless rolling", /1 of all nodes at a time/],
		["without draining", pace({ strategy: "swarm" }), "interruption", /requests to a node that is replaced fail/],
		["on the only node", one, "interruption", /the only node that serves is replaced: nothing answers until its new task does/],
		["on all nodes at a time", pace({ parallelism: 3 }), "interruption", /all nodes are replaced at a time/],
		["of the routing mesh", { publish: { mode: "ingress", target: 8080, published: 8080 } }, "interruption", /new tasks first/],
	])("%s", (_what, setting, expected, reason) => {
		const { class: found, reason: why } = judgeUpdate(["restart"], state({}, setting), inputs({ ...setting, restart: 1 }));
		expect([found, why]).toEqual([expected, expect.stringMatching(reason)]);
	});

	test("of fewer nodes than the load balancer is told of afterwards: those that it knows count", () => {
		const grown = judgeUpdate(["nodes", "restart"], state({}, one), inputs({ restart: 1 }));
		expect(grown.class).toBe("interruption");
		expect(grown.reason).toContain(
			"the load balancer knows one node until this rollout is over, and all of those may be replaced at a time",
		);
		const unknown = judgeUpdate(["nodes", "restart"], state({}, one), inputs({ restart: 1, nodes: "unknown" as never }));
		expect(unknown.class).toBe("interruption");
		expect(judgeUpdate(["nodes"], state({}, one), inputs()).class).toBe("none");
	});

	test("that is the first of a service made by other means is cut after a second", () => {
		expect(judged({ restart: 1 }, state({ inherited: ["x"] })).reason).toContain(
			"longer than a second, once, as the service was made by other means",
		);
	});
});

describe("what a refresh found is judged, too:", () => {
	// biome-ignore format: one a row
	test.each<[string, Partial<ServiceOutputs["observed"]>, Class, RegExp]>([
		["a variable added by hand", { differs: ["TaskTemplate.ContainerSpec.Env"] }, "lossless rolling", /^what was changed by hand \(TaskTemplate\.ContainerSpec\.Env\) replaces the tasks of babble-was: lossless rolling update/],
		["another image", { image: "was@sha256:9" }, "lossless rolling", /by hand \(TaskTemplate\.ContainerSpec\.Image\)/],
		["an end half-way", { image: "", running: 0 }, "lossless rolling", /what runs is not known/],
		["a label", { differs: ["Labels.x"] }, "none", /by hand \(Labels\.x\): the tasks stay as they are/],
		["an update that Swarm stopped", { differs: ["UpdateStatus: paused"] }, "lossless rolling", /UpdateStatus: paused/],
		["a node that does not serve", { differs: ["worker2 does not serve: its task has no published port"] }, "lossless rolling", /^worker2 does not serve: .*: it is replaced/],
		["a node that its agent keeps closed", { differs: ["worker2 does not serve: refused (its agent: closed, the gate cannot be opened)"] }, "none", /^worker2 does not serve: .*: it is waited for: the tasks stay as they are$/],
		["a volume", { differs: ["volume nfsvolume of worker1 has o=soft"] }, "lossless rolling", /^volume nfsvolume of worker1 has o=soft: it is recreated/],
		["a task less", { running: 2 }, "none", /./],
	])("%s", (_what, observed, expected, reason) => {
		expect(judgeUpdate([], state(observed), inputs())).toEqual({ class: expected, reason: expect.stringMatching(reason) });
	});

	test("on the only node it is an interruption", () => {
		expect(judgeUpdate([], state({ differs: ["TaskTemplate.ContainerSpec.Env"] }, one), inputs(one)).class).toBe("interruption");
	});
});

test("a plan is as grave as its worst act", () => {
	const acts: Act[] = [
		{ kind: "writeSpec", replaces: false, closesByHand: false, movesPort: false },
		{ kind: "replaceTask", node: "worker1", container: "c", why: "worker1 does not serve: it refuses" },
		{ kind: "settle" },
	];
	expect(judge(acts, inputs()).class).toBe("lossless rolling");
	expect(judge([...acts, { kind: "writeSpec", replaces: true, closesByHand: false, movesPort: true }], inputs()).class).toBe(
		"interruption",
	);
	expect(judge([{ kind: "create" }, { kind: "settle" }], inputs()).class).toBe("none");
});
