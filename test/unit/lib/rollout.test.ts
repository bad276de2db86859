import { describe, expect, test } from "vitest";
import { defaultConvergeSeconds, leastConvergeSeconds } from "../../../lib/rollout.ts";

const service = (rollout: object = {}) => ({
	stopGraceSeconds: 10,
	health: { deadlineSeconds: 300 },
	rollout: {
		parallelism: 1,
		order: [] as string[],
		drainLimitSeconds: 30,
		settleSeconds: 3,
		monitorSeconds: 15,
		delaySeconds: 2,
		...rollout,
	},
});

describe("the time a rollout is given", () => {
	// biome-ignore format: one a row
	test.each<[string, number, object, number]>([
		["is a quarter of an hour at least", 1, {}, 900],
		["grows with the nodes: the slowest good rollout is in time", 15, {}, 15 * (30 + 10 + 300 + 3 + 2) + 15 + 60],
		["shrinks with those that go at a time", 15, { parallelism: 5 }, 3 * (30 + 10 + 300 + 3 + 2) + 15 + 60],
		["is that of one after another in an order", 15, { parallelism: 5, order: ["worker1"] }, 15 * (30 + 10 + 300 + 3 + 2) + 15 + 60],
	])("%s", (_what, nodes, rollout, expected) => {
		expect(defaultConvergeSeconds(service(rollout), nodes)).toBe(expected);
	});

	test("may be configured shorter, down to where tasks that start at once would be too slow", () => {
		expect(leastConvergeSeconds(service(), 15)).toBe(15 * (30 + 10 + 1 + 3 + 2));
	});
});
