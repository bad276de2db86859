import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { median, timesAsLong } from "../../../bench/measure.ts";
import { simulatedConfig } from "../../../bench/simulated.ts";
import { parseTopology } from "../../../config/parse.ts";
import type { Topology } from "../../../config/schema.ts";
import type { Props } from "../../support/mocks.ts";
import { sampleEnvironment } from "../../support/sample.ts";

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
		const { hosts, service }: Topology = parseTopology(Object.fromEntries(sections));
		const having = (role: string) => hosts.filter(({ roles }) => roles.includes(role as never)).length;
		expect(hosts).toHaveLength(count);
		expect({ manager: having("manager"), app: having("app"), replicas: service.replicas }).toEqual({
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

test("the median is the value in the middle", () => {
	expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5]), median([])]).toEqual([2, 3, 5, 0]);
});

test("growth is the time per host as a multiple of the base's", () => {
	const seconds = { 5: 10, 50: 50, 200: 600 };
	const growth = timesAsLong(new Map(Object.entries(seconds).map(([hosts, value]) => [Number(hosts), value])), 50);
	expect(Object.fromEntries(growth)).toEqual({ 5: 2, 50: 1, 200: 3 });
});
