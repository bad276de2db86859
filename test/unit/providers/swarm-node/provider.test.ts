import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isListed, StandInSwarm } from "../../../support/standInSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";

let swarm: StandInSwarm;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../../lib/wait.ts", async (original) =>
	(await import("../../../support/swarmMocks.ts")).wait(await original<typeof import("../../../../lib/wait.ts")>(), 3),
);
const { provider } = await import("../../../../providers/swarm-node/provider.ts");

beforeEach(() => {
	swarm = reach(new StandInSwarm());
});
afterEach(() => swarm.close());

async function hosts(roles: Record<string, "manager" | "worker" | undefined>): Promise<void> {
	for (const [name, role] of Object.entries(roles)) await swarm.addHost(name, role);
}

/** A node's inputs; all hosts named as managers are asked. */
function inputs(name: string, role: "manager" | "worker", managers: string[], more = {}) {
	return {
		connection: swarm.connection(name),
		managers: managers.map((manager) => swarm.connection(manager)),
		clusterId: swarm.clusterId,
		advertiseAddress: name,
		role,
		labels: {},
		owner: swarm.owner,
		__urn: `urn:pulumi:lab::project::type::${name}`,
		...more,
	};
}

const state = (...args: Parameters<typeof inputs>) => ({ ...inputs(...args), nodeId: `node-${args[0]}` });
const change = (
	name: string,
	from: [role: "manager" | "worker", managers: string[]],
	to: [role: "manager" | "worker", managers: string[]],
) => provider.update(`node-${name}`, state(name, ...from), inputs(name, ...to));
const remove = (name: string, managers: string[], role: "manager" | "worker" = "manager") =>
	provider.delete(`node-${name}`, state(name, role, managers));

describe("a worker that becomes a manager", () => {
	test("is one, reachable for the others, when the update ends", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		const { outs } = await change("w1", ["worker", ["m1"]], ["manager", ["m1", "w1"]]);
		expect(swarm.managers()).toEqual(["m1", "w1"]);
		expect(outs).toMatchObject({ nodeId: "node-w1", observed: { role: "manager", state: "ready" } });
	});

	test("waits for the one before", async () => {
		await hosts({ m1: "manager", w1: "worker", w2: "worker" });
		const all = ["m1", "w1", "w2"];
		await Promise.all(["w1", "w2"].map((name) => change(name, ["worker", ["m1"]], ["manager", all])));
		const [first, ...rest] = swarm.askedFor(/update/);
		expect(rest.length).toBeGreaterThan(0);
		expect(first).toContain("node-w1");
		const second = swarm.asked.findIndex((line) => line.includes("node-w2/update"));
		const looks = swarm.asked.slice(0, second).filter((line) => line.endsWith("GET /nodes/node-w1"));
		expect(looks.length, "the first one is looked at until it is a manager").toBeGreaterThan(2);
		expect(swarm.managers()).toEqual(all);
	});

	test("is let in by the managers of before where all of them change", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		await change("w1", ["worker", ["m1"]], ["manager", ["w1"]]);
		await change("m1", ["manager", ["m1"]], ["worker", ["w1"]]);
		expect(swarm.managers()).toEqual(["w1"]);
	});
});

test("a host whose swarm is locked is told by its remedy, and does not leave", async () => {
	await hosts({ m1: "manager", w1: "manager" });
	Object.assign(swarm.hosts.get("w1") ?? {}, { isLocked: true });
	await expect(provider.create(inputs("w1", "manager", ["m1"]))).rejects.toThrow(/its swarm is locked: run "docker swarm unlock" there/);
	expect(swarm.askedFor(/leave/)).toEqual([]);
});

describe("a host that cannot take part in the swarm that it is in", () => {
	const why = "manager stopped: can't initialize raft node: connection refused";
	beforeEach(async () => {
		await hosts({ m1: "manager", w1: "worker" });
		Object.assign(swarm.hosts.get("w1") ?? {}, { broken: why });
		// As Docker 20.10 leaves a node that was promoted by hand and cannot become a manager.
		Object.assign(swarm.nodes.get("node-w1") ?? {}, { Status: { State: "down" } });
		Object.assign(swarm.nodes.get("node-w1")?.Spec ?? {}, { Role: "manager" });
	});

	test("leaves and joins again where it was a node of this one, and the node of before is in no list", async () => {
		const { outs } = await change("w1", ["worker", ["m1"]], ["worker", ["m1"]]);
		expect(outs).toMatchObject({ observed: { role: "worker", state: "ready" } });
		expect(swarm.joinedAt).toEqual([["m1:2377"]]);
		const names = [...swarm.nodes.values()].map(({ Description: description }) => description?.Hostname).sort();
		expect(names).toEqual(["m1", "w1"]);
	});

	test("is left alone, with the reason and the remedy, where it was none", async () => {
		await expect(provider.create(inputs("w1", "worker", ["m1"]))).rejects.toThrow(
			/is in a swarm that it cannot take part in \(manager stopped: .*\): run "docker swarm leave --force" there/,
		);
		expect(swarm.joinedAt).toEqual([]);
	});
});

describe("a host that joins", () => {
	test("is refused while it does not reach the managers' ports, with their names, and is asked to join nothing", async () => {
		await hosts({ m1: "manager", m2: "manager", h1: undefined });
		swarm.walledOff.add("h1");
		const joining = () => provider.create(inputs("h1", "worker", ["m1", "m2"]));
		await expect(joining()).rejects.toThrow(
			/^hosts, address of h1: it cannot join the swarm, .* reach 2377\/tcp of m1, 7946\/tcp of m1, 2377\/tcp of m2, 7946\/tcp of m2: let 2377/,
		);
		expect(swarm.joinedAt).toEqual([]);
		swarm.walledOff.clear();
		expect((await joining()).id).toBe("node-h1");
	});

	test("as a manager is one when it is there, and joins at the leader", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager", h1: undefined });
		swarm.kill("m1");
		const { id } = await provider.create(inputs("h1", "manager", ["m1", "m2", "m3", "h1"]));
		expect(id).toBe("node-h1");
		expect(swarm.managers()).toContain("h1");
		expect(swarm.leader()).toBe("m2");
		expect(swarm.joinedAt).toEqual([["m2:2377", "m3:2377"]]);
		expect(swarm.askedFor(/^m1 /)).toEqual([]);
	});
});

describe("a node that was taken off the list by hand", () => {
	test("leaves and joins again", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		swarm.nodes.delete("node-w1");
		await change("w1", ["worker", ["m1"]], ["worker", ["m1"]]);
		expect(swarm.askedFor(/^w1 POST/)).toEqual(["w1 POST /swarm/leave", "w1 POST /swarm/join"]);
		expect(await isListed(swarm, "m1", "w1")).toBe(true);
	});

	test("is an error, with the remedy, on a host that was never ours", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		swarm.nodes.delete("node-w1");
		await expect(provider.create(inputs("w1", "worker", ["m1"]))).rejects.toThrow(
			/is in another swarm \(active\): run "docker swarm leave --force"/,
		);
	});
});

describe("a manager that becomes a worker", () => {
	test("is none when the update ends, also the leader, which is not asked about itself", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		expect(swarm.leader()).toBe("m1");
		const { outs } = await change("m1", ["manager", ["m1", "m2", "m3"]], ["worker", ["m2", "m3"]]);
		expect(swarm.managers()).toEqual(["m2", "m3"]);
		expect(swarm.leader()).toBe("m2");
		expect(outs).toMatchObject({ observed: { role: "worker" } });
		expect(swarm.askedFor(/^m1 .*nodes/)).toEqual([]);
	});

	test("is refused where the others would have no majority, and stays one", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		swarm.kill("m3");
		await expect(change("m2", ["manager", ["m1", "m2", "m3"]], ["worker", ["m1", "m3"]])).rejects.toThrow(
			"hosts, roles of m2: it cannot cease to be a manager: of the managers left, 1 of 2 would be reachable, no majority: bring m3 back, or take it out of the configuration first",
		);
		expect(swarm.managers()).toEqual(["m1", "m2", "m3"]);
		expect(swarm.nodes.get("node-m2")?.Spec?.Role).toBe("manager");
	});

	test("is refused where it is the only one", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		await expect(change("m1", ["manager", ["m1"]], ["worker", ["m1"]])).rejects.toThrow(
			/roles of m1: .*give another host the role manager/,
		);
		expect(swarm.managers()).toEqual(["m1"]);
	});

	test("waits until one that is lost has been taken out", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		swarm.kill("m3");
		const all = ["m1", "m2", "m3"];
		await Promise.all([remove("m2", all), remove("m3", all)]);
		expect(swarm.managers()).toEqual(["m1"]);
	});
});

describe("a node that goes", () => {
	test("is demoted, drained, leaves, and is then taken off the list, all through another manager", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		swarm.tasks.set("node-m1", 1);
		await remove("m1", ["m1", "m2", "m3"]);
		const steps = swarm.asked.filter((line) => /POST|DELETE/.test(line));
		expect(steps).toEqual([
			"m2 POST /nodes/node-m1/update",
			"m2 POST /nodes/node-m1/update",
			"m1 POST /swarm/leave",
			"m2 DELETE /nodes/node-m1",
		]);
		expect(await isListed(swarm, "m2", "m1")).toBe(false);
	});

	test("takes the stack's volumes along, with the ended tasks that hold them, and no other ones", async () => {
		await hosts({ m1: "manager", w1: "worker" });
		const volume = (Name: string, owner?: string) => ({
			Name,
			Labels: owner ? { "scaleout.owner": owner } : ({} as Record<string, string>),
		});
		const host = swarm.hosts.get("w1");
		host?.volumes.push(volume("logs", swarm.owner), volume("old", swarm.owner), volume("in-use", swarm.owner));
		host?.volumes.push(volume("theirs", "swarm-scaleout/other"), volume("handmade"));
		const labels = ["com.docker.swarm.task.id"];
		host?.containers.push({ Id: "ended", volume: "logs", isRunning: false, labels });
		host?.containers.push({ Id: "by-hand", volume: "in-use", isRunning: false, labels: [] });
		await remove("w1", ["m1"], "worker");
		expect(host?.volumes.map(({ Name: name }) => name)).toEqual(["in-use", "theirs", "handmade"]);
		expect(host?.containers.map(({ Id: id }) => id)).toEqual(["by-hand"]);
		expect(swarm.asked.findIndex((line) => line.startsWith("w1 DELETE"))).toBeGreaterThan(swarm.asked.indexOf("w1 POST /swarm/leave"));
	});

	test("goes also when its host is lost, whose tasks are said to run", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		swarm.kill("m1");
		swarm.tasks.set("node-m1", 1);
		swarm.keepsTasks = true;
		await remove("m1", ["m1", "m2", "m3"]);
		expect(await isListed(swarm, "m2", "m1")).toBe(false);
	});

	test("leaves a swarm that is gone, and takes its volumes along: its host could join no other one", async () => {
		await hosts({ m1: "manager", w1: "worker", added: undefined });
		swarm.hosts.get("w1")?.volumes.push({ Name: "logs", Labels: { "scaleout.owner": swarm.owner } });
		await remove("w1", ["added"], "worker");
		expect(swarm.askedFor(/POST/)).toEqual(["w1 POST /swarm/leave"]);
		expect(swarm.hosts.get("w1")?.volumes).toEqual([]);
	});

	test("of another swarm that its host is in by now is not touched", async () => {
		await hosts({ m1: "manager", w1: "worker", added: undefined });
		await provider.delete("node-w1", { ...state("w1", "worker", ["added"]), nodeId: "node-of-before" });
		expect(swarm.askedFor(/POST/)).toEqual([]);
	});

	test("stays when its host has another name in the configuration, and so another resource of the same node", async () => {
		await hosts({ m1: "manager", renamed: "worker" });
		const { id } = await provider.create(inputs("renamed", "worker", ["m1"]));
		await provider.delete(id, { ...state("renamed", "worker", ["m1"]), __urn: "urn:pulumi:lab::project::type::former" });
		expect(await isListed(swarm, "m1", "renamed")).toBe(true);
		expect(swarm.askedFor(/leave|drain/)).toEqual([]);
	});

	test("stays the last manager when all go: the swarm ends with it, not before", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		const all = ["m1", "m2", "m3"];
		await Promise.all(all.map((name) => remove(name, all)));
		expect(swarm.managers()).toHaveLength(1);
	});

	test("to come back is refused where it is the only manager, as the swarm would not", async () => {
		await hosts({ m1: "manager" });
		const olds = state("m1", "manager", ["m1"], { machineId: "machine-1" });
		await provider.diff("node-m1", olds, { ...inputs("m1", "manager", ["m1", "m2", "m3"]), machineId: "machine-2" });
		await expect(provider.delete("node-m1", olds)).rejects.toThrow(/the swarm would end with the only one/);
		expect(swarm.managers()).toEqual(["m1"]);
	});
});

describe("a look at a node", () => {
	test("needs one manager that serves, whichever", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager", w1: "worker" });
		swarm.kill("m1");
		const { id, props } = await provider.read("node-w1", state("w1", "worker", ["m1", "m2", "m3"]));
		expect(id).toBe("node-w1");
		expect(props).toMatchObject({ observed: { role: "worker", state: "ready" } });
	});

	test("changes nothing while no manager can be asked, and finds it gone where the swarm is and the host in none", async () => {
		await hosts({ m1: "manager", w1: "worker", w2: "worker", h1: undefined });
		const known = state("w1", "worker", ["m1"]);
		Object.assign(swarm.hosts.get("w2") ?? {}, { nodeId: undefined });
		expect((await provider.read("node-w2", state("w2", "worker", ["h1"]))).id).toBeUndefined();
		swarm.kill("m1");
		expect(await provider.read("node-w1", known)).toEqual({ id: "node-w1", props: known });
	});

	test("keeps what takes itself for a node and is none any more: it has to leave before it can join", async () => {
		await hosts({ m1: "manager", w1: "worker", h1: undefined });
		const { id, props } = await provider.read("node-w1", state("w1", "worker", ["h1"]));
		expect(id).toBe("node-w1");
		expect(props).toMatchObject({ observed: { state: "not known to the managers" } });
	});

	test("asks the host, too: a worker that has left is still ready to its managers for a while", async () => {
		await hosts({ m1: "manager", w1: "worker", w2: "worker" });
		for (const name of ["w1", "w2"]) Object.assign(swarm.hosts.get(name) ?? {}, { nodeId: undefined });
		Object.assign(swarm.hosts.get("w2") ?? {}, { isUp: false });
		const look = async (name: string) => (await provider.read(`node-${name}`, state(name, "worker", ["m1"]))).props;
		expect(await look("w1")).toMatchObject({ observed: { state: "left" } });
		expect(await look("w2"), "cannot be asked").toMatchObject({ observed: { state: "ready" } });
	});

	test("tells a manager that the others do not reach, though its node is ready: it is waited for", async () => {
		await hosts({ m1: "manager", m2: "manager", m3: "manager" });
		swarm.kill("m3");
		Object.assign(swarm.nodes.get("node-m3")?.Status ?? {}, { State: "ready" });
		const known = state("m3", "manager", ["m1", "m2", "m3"]);
		const { props } = await provider.read("node-m3", known);
		expect(props).toMatchObject({ observed: { role: "manager", state: "not reached by the other managers" } });
		expect(await provider.diff("node-m3", props as typeof known, known)).toMatchObject({ changes: true, replaces: [] });
	});

	test("works with a state from before there were several managers", async () => {
		await hosts({ m1: "manager" });
		const { managers: _managers, ...old } = state("m1", "manager", []);
		expect(await provider.read("node-m1", { ...old, manager: swarm.connection("m1") })).toMatchObject({ id: "node-m1" });
	});
});
