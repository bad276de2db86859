import { describe, expect, test } from "vitest";
import { covers, differences } from "../../../../providers/service/observe.ts";

const wanted = {
	Image: "was:1",
	Env: ["A=1", "B=2"],
	Limits: { Cpus: 0, Memory: 512 },
	Mounts: [{ Type: "volume", Source: "nfs" }],
	Global: {},
};
/** As Swarm stores it: with defaults of its own, without what is zero. */
const stored = {
	Image: "was:1",
	Env: ["A=1", "B=2"],
	Limits: { Memory: 512 },
	Mounts: [{ Type: "volume", Source: "nfs", ReadOnly: false }],
	Global: {},
	Isolation: "default",
};

describe("what someone changed by hand", () => {
	test("is nothing while all that is wanted is there, whatever Swarm adds", () => {
		expect(differences(stored, wanted)).toEqual([]);
		expect(covers(stored, wanted)).toBe(true);
	});

	test.each<[string, object, string[]]>([
		["a value", { Image: "was:2" }, ["Image"]],
		["an item of a list", { Env: ["A=1", "B=3"] }, ["Env"]],
		["an item more", { Env: ["A=1", "B=2", "C=3"] }, ["Env"]],
		["a part of an item", { Mounts: [{ Type: "bind", Source: "nfs" }] }, ["Mounts"]],
		["something inside", { Limits: { Memory: 256 } }, ["Limits.Memory"]],
		["something that is gone", { Limits: undefined }, ["Limits"]],
		["several things", { Image: "was:2", Limits: { Memory: 256 } }, ["Image", "Limits.Memory"]],
	])("is named where it stands: %s", (_what, change, expected) => {
		expect(differences({ ...stored, ...change }, wanted)).toEqual(expected);
		expect(covers({ ...stored, ...change }, wanted)).toBe(false);
	});

	test("is named without its value, which may be a secret", () => {
		expect(differences({ Env: ["PASSWORD=planted"] }, { Env: ["PASSWORD=other"] }).join()).not.toMatch(/planted|other/);
	});

	test("is seen in a list that shall be empty", () => {
		expect(differences({ Env: ["A=1"] }, { Env: [] })).toEqual(["Env"]);
		expect(differences({}, { Env: [] })).toEqual([]);
	});
});
