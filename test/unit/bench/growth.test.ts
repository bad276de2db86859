import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseTopology } from "../../../config/parse.ts";
import type { Topology } from "../../../config/schema.ts";
import { median, timesAsLong } from "../../bench/measure.ts";
import { simulatedConfig } from "../../bench/simulated.ts";
import { type Props, Recorder } from "../../support/mocks.ts";
import { runProgram } from "../../support/program.ts";
import { sampleEnvironment } from "../../support/sample.ts";
import { serviceIn } from "../fixtures.ts";

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-growth-"));
const privateKeyFile = path.join(scratch, "key");
const configOf = (count: number): Props => ({ ...simulatedConfig(count), "swarm-scaleout:existing": { privateKeyFile } });

beforeAll(() => {
	fs.writeFileSync(privateKeyFile, "planted-private-key\n", { mode: 0o600 });
	for (const [name, value] of Object.entries({ ...sampleEnvironment, HOME: scratch })) vi.stubEnv(name, value);
});
afterAll(() => {
	vi.unstubAllEnvs();
	fs.rmSync(scratch, { recursive: true });
});

describe("simulated hosts", () => {
	test.each([5, 50, 200, 500])("%i of them are a valid configuration, in which every swarm node runs the service", (count) => {
		const sections = Object.entries(configOf(count)).map(([key, value]) => [key.split(":")[1], value]);
		const topology: Topology = parseTopology(Object.fromEntries(sections));
		const { hosts } = topology;
		const having = (role: string) => hosts.filter(({ roles }) => roles.includes(role as never)).length;
		expect(hosts).toHaveLength(count);
		expect({ manager: having("manager"), app: having("app"), replicas: serviceIn(topology).replicas }).toEqual({
			manager: 3,
			app: count - 2,
			replicas: count - 2,
		});
		expect(new Set(hosts.map(({ ssh }) => ssh?.hostKey)).size).toBe(count);
	});

	test.each([4, 0, 5.5, Number.NaN])("%d of them are refused", (count) => {
		expect(() => simulatedConfig(count)).toThrow("use 5 or more");
	});
});

describe("what the engine is told of twice as many hosts", () => {
	type Told = Record<"resources" | "dependencies" | "size" | "looks", number>;
	let told: Told[];

	beforeAll(async () => {
		// The SDK's search of a value for what is not known yet: what once made the program slow.
		const look = vi.spyOn(pulumi.unknown.constructor as unknown as typeof pulumi.Output, "isInstance");
		told = [];
		for (const count of [10, 20, 40]) {
			look.mockClear();
			const recorder = new Recorder();
			await runProgram(recorder, configOf(count), "growth");
			const { resources } = recorder;
			told.push({
				resources: resources.length,
				dependencies: resources.reduce((sum, { dependencies }) => sum + dependencies.length, 0),
				size: JSON.stringify(resources.map(({ inputs, outputs }) => [inputs, outputs])).length,
				looks: look.mock.calls.length,
			});
		}
		vi.restoreAllMocks();
	});

	// From 20 to 40 hosts as from 10 to 20: twice as much is linear, four times as much would be quadratic. A little more for the agents, each of which
	// is told of all others.
	test.each(["resources", "dependencies", "size", "looks"] as const)("is no more than twice as much: %s", (name) => {
		const [a = 0, b = 0, c = 0] = told.map((counted) => counted[name]);
		expect(b - a).toBeGreaterThan(0);
		expect((c - b) / (b - a)).toBeLessThan(2.5);
	});

	test("is at most four resources a host", () => {
		const [a = 0, b = 0, c = 0] = told.map(({ resources }) => resources);
		expect([(b - a) / 10, (c - b) / 20]).toEqual([4, 4]);
	});
});

test("the median is the value in the middle", () => {
	expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5]), median([])]).toEqual([2, 3, 5, 0]);
});

test("growth is the time per host as a multiple of the base's", () => {
	const seconds = { 5: 10, 50: 50, 200: 600 };
	const growth = timesAsLong(new Map(Object.entries(seconds).map(([hosts, value]) => [Number(hosts), value])), 50);
	expect(Object.fromEntries(growth)).toEqual({ 5: 2, 50: 1, 200: 3 });
});
