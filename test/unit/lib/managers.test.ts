import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection } from "../../../lib/connection.ts";
import { StandInSwarm } from "../../support/standInSwarm.ts";
import { reach } from "../../support/swarmMocks.ts";

let swarm: StandInSwarm;
let managers: Connection[];
vi.mock("../../../lib/docker.ts", async () => (await import("../../support/swarmMocks.ts")).docker());
vi.mock("../../../lib/ssh.ts", async (original) => (await import("../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../lib/wait.ts", async (original) =>
	(await import("../../support/swarmMocks.ts")).wait(await original<typeof import("../../../lib/wait.ts")>(), 2),
);
const { dockerOnManager, findManager, managersOf, SwarmGoneError } = await import("../../../lib/managers.ts");

beforeEach(async () => {
	swarm = reach(new StandInSwarm());
	managers = [];
	for (const name of ["m1", "m2", "m3"]) managers.push(await swarm.addHost(name, "manager"));
});
afterEach(() => swarm.close());

const asked = () => ({ managers, clusterId: swarm.clusterId });
const chosen = async (more = {}) => (await findManager({ ...asked(), ...more })).host;

describe("the manager that is asked", () => {
	test("is the first one, and the others are left alone", async () => {
		expect(await chosen()).toBe("m1");
		expect(swarm.asked).toEqual(["m1 GET /info"]);
	});

	test("is the next one while the first is away, which is not asked again each time", async () => {
		swarm.kill("m1");
		const connect = vi.spyOn(swarm, "connect");
		expect(await chosen()).toBe("m2");
		expect(await chosen()).toBe("m2");
		expect(connect.mock.calls.map(([{ host }]) => host)).toEqual(["m1", "m2"]);
	});

	test("is not the one that is about to go, though it answered last, unless there is no other", async () => {
		expect(await chosen()).toBe("m1");
		const [m1, m2] = managers as [Connection, Connection];
		expect(await chosen({ leaving: m1 })).toBe("m2");
		expect(await chosen({ leaving: m2, managers: [m2] })).toBe("m2");
	});

	test("is none of another swarm, no worker, and no host without a swarm", async () => {
		const strangers = [await swarm.addHost("w1", "worker"), await swarm.addHost("h1")];
		expect(await chosen({ managers: [...strangers, ...managers] })).toBe("m1");
		await expect(findManager({ managers, clusterId: "other" })).rejects.toThrow(/m1:22 manages another swarm/);
	});

	test("is waited for while the managers elect a leader", async () => {
		swarm.leaderlessUntil = Date.now() + 600;
		expect(await chosen()).toBe("m1");
	});
});

describe("where no manager serves", () => {
	test("the error names each and why, and is no proof that the swarm is gone", async () => {
		const stranger = await swarm.addHost("h1");
		for (const name of ["m1", "m2"]) swarm.kill(name);
		const failed = findManager({ managers: [...managers, stranger], clusterId: swarm.clusterId });
		await expect(failed).rejects.toThrow(/m1 does not answer; m2 does not answer; .*m3:22: no leader; .*h1:22 is in no swarm/);
		await expect(failed).rejects.not.toBeInstanceOf(SwarmGoneError);
	});

	test("because all of them have left, the swarm is gone", async () => {
		const gone = [await swarm.addHost("h1"), await swarm.addHost("w1", "worker")];
		await expect(findManager({ managers: gone, clusterId: swarm.clusterId })).rejects.toThrow(SwarmGoneError);
	});
});

describe("a request to the swarm", () => {
	test("that meets a manager no longer one goes to the next, also when it changes something", async () => {
		const docker = dockerOnManager(asked());
		await docker.listNodes();
		await swarm.dockerOn(managers[0] as Connection).swarmLeave({ force: true });
		const { Version: version, Spec: spec } = await docker.getNode("node-m3").inspect();
		await docker.getNode("node-m3").update({ _query: { version: version.Index }, _body: { ...spec, Labels: { a: "1" } } });
		expect(swarm.askedFor(/update/)).toEqual(["m2 POST /nodes/node-m3/update"]);
	});

	test("that was refused for itself is not sent again", async () => {
		const docker = dockerOnManager(asked());
		await expect(docker.getNode("node-m2").remove()).rejects.toThrow(/must be demoted/);
		expect(swarm.askedFor(/DELETE/)).toHaveLength(1);
	});

	test("dials nobody before it is made", () => {
		dockerOnManager(asked());
		expect(swarm.asked).toEqual([]);
	});
});

test("a state from before there were several managers names one, and the managers of before are asked last", () => {
	const [m1, m2] = managers as [Connection, Connection];
	expect(managersOf({ manager: m1 })).toEqual([m1]);
	expect(managersOf({ managers: [m2] }, { managers: [m1] })).toEqual([m2, m1]);
});
