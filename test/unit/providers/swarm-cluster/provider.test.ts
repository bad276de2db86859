import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StandInSwarm } from "../../../support/standInSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";

let swarm: StandInSwarm;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../../lib/wait.ts", async (original) =>
	(await import("../../../support/swarmMocks.ts")).wait(await original<typeof import("../../../../lib/wait.ts")>(), 1),
);
const { provider } = await import("../../../../providers/swarm-cluster/provider.ts");

beforeEach(() => {
	swarm = reach(new StandInSwarm());
});
afterEach(() => swarm.close());

/** The inputs as components/swarm.ts gives them. */
function inputs(managers: string[], machines = managers) {
	const [sole] = managers.length === 1 ? managers : [];
	return {
		managers: managers.map((name) => swarm.connection(name)),
		advertiseAddress: managers[0],
		...(sole && { machineId: `machine-${machines[0]}`, soleAddress: sole }),
		owner: swarm.owner,
		defaultAddrPool: [],
		subnetSize: 24,
		dataPathPort: 4789,
		dispatcherHeartbeatSeconds: 20,
	};
}

const diff = (from: string[], to: string[], machines = to) =>
	provider.diff("swarm", { ...inputs(from), clusterId: "swarm" }, inputs(to, machines));

describe("the swarm", () => {
	// biome-ignore format: one change a row
	test.each<[string, string[], string[], string[]]>([
		["gets two more managers", ["m1"], ["m1", "m2", "m3"], []],
		["goes back to one", ["m1", "m2", "m3"], ["m2"], []],
		["loses the first of three", ["m1", "m2", "m3"], ["m2", "m3", "m4"], []],
		["gets another only manager", ["m1"], ["m2"], ["machineId", "soleAddress"]],
	])("%s: %j to %j", async (_what, from, to, replaces) => {
		expect(await diff(from, to)).toMatchObject({ changes: true, replaces });
	});

	test("ends with the machine of its only manager, and outlives one of three", async () => {
		expect((await diff(["m1"], ["m1"], ["recreated"])).replaces).toEqual(["machineId"]);
		const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
		const three = { ...inputs(["m1", "m2", "m3"]), clusterId: "swarm" };
		const news = { ...three, managers: [{ ...swarm.connection("m1"), hostKey: unknown }, ...three.managers.slice(1)] };
		expect((await provider.diff("swarm", three, news)).replaces).toEqual([]);
	});
});

describe("a swarm that is to be made", () => {
	test("begins on the first manager", async () => {
		for (const name of ["m1", "m2", "m3"]) await swarm.addHost(name);
		expect((await provider.create(inputs(["m1", "m2", "m3"]))).id).toBe(swarm.clusterId);
		expect(swarm.askedFor(/POST/)).toEqual(["m1 POST /swarm/init"]);
		expect(swarm.heartbeatPeriod).toBe(20e9);
	});

	test("is taken as made where a slow host was asked twice", async () => {
		await swarm.addHost("m1");
		swarm.answersLate = true;
		expect((await provider.create(inputs(["m1"]))).id).toBe(swarm.clusterId);
	});

	test("is the one that another manager has, when the first one is in none", async () => {
		await swarm.addHost("m1");
		await swarm.addHost("m2", "manager");
		expect((await provider.create(inputs(["m1", "m2"]))).id).toBe(swarm.clusterId);
		expect(swarm.askedFor(/init/)).toEqual([]);
	});

	test("that is locked is told by its remedy, and is never left", async () => {
		await swarm.addHost("m1", "manager");
		Object.assign(swarm.hosts.get("m1") ?? {}, { isLocked: true });
		await expect(provider.create(inputs(["m1"]))).rejects.toThrow(/its swarm is locked: run "docker swarm unlock" there/);
	});

	test("is not taken from another stack", async () => {
		swarm.owner = "swarm-scaleout/other";
		await swarm.addHost("m1", "manager");
		const ours = { ...inputs(["m1"]), owner: "swarm-scaleout/lab" };
		await expect(provider.create(ours)).rejects.toThrow(/already manages swarm .*, of stack swarm-scaleout\/other: set swarm.adopt/);
	});
});

describe("a swarm made by other means", () => {
	const adopting = (more = {}) => ({ ...inputs(["m1"]), owner: "swarm-scaleout/lab", adopt: swarm.clusterId, ...more });

	beforeEach(async () => {
		swarm.owner = "";
		await swarm.addHost("m1", "manager");
	});

	test("is taken over where swarm.adopt names it, and is the stack's own from then on", async () => {
		expect((await provider.create(adopting())).id).toBe(swarm.clusterId);
		expect(swarm.askedFor(/POST/)).toEqual(["m1 POST /swarm/update"]);
		expect(swarm.heartbeatPeriod).toBe(20e9);
		expect((await provider.create(adopting({ adopt: undefined }))).id).toBe(swarm.clusterId);
	});

	test("is refused, with all that differs, where it would have to be recreated; nothing is asked of it", async () => {
		swarm.settings = { DataPathPort: 7777, DefaultAddrPool: ["10.20.0.0/16"], SubnetSize: 26 };
		await expect(provider.create(adopting({ defaultAddrPool: ["10.30.0.0/16"] }))).rejects.toThrow(
			/swarm\.adopt = .* recreated: swarm\.dataPathPort is 7777 there, 4789 in the configuration; swarm\.defaultAddrPool is \["10\.20\.0\.0\/16"\] there, \["10\.30\.0\.0\/16"\] in the configuration; swarm\.subnetSize is 26 there, 24 in/,
		);
		expect(swarm.askedFor(/POST/)).toEqual([]);
		const same = { defaultAddrPool: ["10.20.0.0/16"], dataPathPort: 7777, subnetSize: 26 };
		expect((await provider.create(adopting(same))).id).toBe(swarm.clusterId);
	});
});

describe("a look at the swarm", () => {
	test("finds it as long as one manager is in it, and gone when none is", async () => {
		for (const name of ["m1", "m2", "m3"]) await swarm.addHost(name, "manager");
		const state = { ...inputs(["m1", "m2", "m3"]), clusterId: swarm.clusterId };
		swarm.kill("m1");
		expect((await provider.read(swarm.clusterId, state)).id).toBe(swarm.clusterId);
		await swarm.addHost("h1");
		expect((await provider.read(swarm.clusterId, { ...inputs(["h1"]), clusterId: swarm.clusterId })).id).toBeUndefined();
	});

	test("sees another heartbeat, and the next up puts it back", async () => {
		await swarm.addHost("m1", "manager");
		const { id } = await provider.create(inputs(["m1"]));
		swarm.heartbeatPeriod = 5e9;
		const state = (await provider.read(id, { ...inputs(["m1"]), clusterId: id })).props as object;
		expect(state).toMatchObject({ observed: { dispatcherHeartbeatSeconds: 5 } });
		expect(await provider.diff(id, state, inputs(["m1"]))).toMatchObject({ changes: true, replaces: [] });
		const { outs } = await provider.update(id, state, inputs(["m1"]));
		expect(swarm.heartbeatPeriod).toBe(20e9);
		expect(await provider.diff(id, outs, inputs(["m1"]))).toMatchObject({ changes: false });
	});

	test("does not find it gone because nobody answers", async () => {
		await swarm.addHost("m1", "manager");
		swarm.kill("m1");
		expect((await provider.read(swarm.clusterId, inputs(["m1"]))).id).toBe(swarm.clusterId);
	});
});

test("managers that are all others than those in the swarm are refused: it would be lost", async () => {
	await swarm.addHost("h1");
	const news = inputs(["h1"]);
	await expect(provider.update(swarm.clusterId, { ...news, clusterId: swarm.clusterId }, news)).rejects.toThrow(
		/no manager .* is in swarm/,
	);
});

test("the swarm ends with the manager that is left", async () => {
	for (const name of ["m1", "m2"]) await swarm.addHost(name);
	await swarm.addHost("m3", "manager");
	await provider.delete(swarm.clusterId, { ...inputs(["m1", "m2", "m3"]), clusterId: swarm.clusterId });
	expect(swarm.askedFor(/leave/)).toEqual(["m3 POST /swarm/leave"]);
});
