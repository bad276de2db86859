import { describe, expect, test } from "vitest";
import { firstName, formerNames } from "../../../components/formerNames.ts";

const hosts = [
	{ name: "node", aliases: ["old"] },
	{ name: "node-b", aliases: ["middle", "first"] },
	{ name: "stays", aliases: [] },
	{ name: "back", aliases: ["away", "back"] },
];

describe("former names of a resource", () => {
	// biome-ignore format: one name a row
	test.each<[string, string[]]>([
		["node", ["old"]],
		["node-packages", ["old-packages"]],
		["logs-probe-node", ["logs-probe-old"]],
		["node-b", ["middle", "first"]],
		["node-b-babble-was-drain-agent", ["middle-babble-was-drain-agent", "first-babble-was-drain-agent"]],
		["registry-trust-node-b", ["registry-trust-middle", "registry-trust-first"]],
		["stays-check", []],
		["back-check", ["away-check"]],
		["nodes", []],
		["nginx", []],
	])("%s: %j", (resource, former) => expect(formerNames(resource, hosts)).toEqual(former));
});

test("a machine keeps the name it was made with", () => {
	expect(hosts.map(firstName)).toEqual(["old", "first", "stays", "back"]);
});
