import type Docker from "dockerode";
import { describe, expect, test } from "vitest";
import {
	findService,
	type Node,
	type NodeSpec,
	orUndefined,
	otherManagers,
	quorumLost,
	runningTasks,
	updateNode,
} from "../../../lib/swarm.ts";

/** A swarm of one node, which refuses updates of an old version, as the Engine API does. */
class StandInManager {
	version = 7;
	spec: NodeSpec = { Role: "worker", Availability: "active", Labels: { zone: "a" } };
	updates = 0;
	/** What others do between our reading and our writing, first to last. */
	others: (() => void)[] = [];

	getNode() {
		return {
			inspect: async () => ({ ID: "id", Version: { Index: this.version }, Spec: structuredClone(this.spec) }),
			update: async ({ _query, _body }: { _query: { version: number }; _body: NodeSpec }) => {
				this.others.shift()?.();
				if (_query.version !== this.version) throw new Error("(HTTP code 500) rpc error: update out of sequence");
				this.spec = _body;
				this.version++;
				this.updates++;
			},
		};
	}

	get docker(): Docker {
		return this as unknown as Docker;
	}
}

const drained = (spec: NodeSpec): NodeSpec => ({ ...spec, Availability: "drain" });

describe("a change of a node", () => {
	test("keeps what it does not name", async () => {
		const manager = new StandInManager();
		await updateNode(manager.docker, "id", drained);
		expect(manager.spec).toEqual({ Role: "worker", Availability: "drain", Labels: { zone: "a" } });
	});

	test("that loses a race is made again, on top of the other's change", async () => {
		const manager = new StandInManager();
		manager.others.push(() => {
			manager.version++;
			manager.spec.Labels = { zone: "b" };
		});
		await updateNode(manager.docker, "id", drained);
		expect(manager.spec).toEqual({ Role: "worker", Availability: "drain", Labels: { zone: "b" } });
		expect(manager.updates).toBe(1);
	});

	test("that is there already is not written", async () => {
		const manager = new StandInManager();
		await updateNode(manager.docker, "id", (spec) => ({ ...spec, Role: "worker" }));
		expect(manager.updates).toBe(0);
	});

	test("that is refused for another reason fails at once", async () => {
		const manager = new StandInManager();
		manager.others.push(() => {
			throw new Error("attempting to demote the last manager");
		});
		await expect(updateNode(manager.docker, "id", drained)).rejects.toThrow("last manager");
		expect(manager.others).toEqual([]);
		expect(manager.updates).toBe(0);
	});
});

describe("the quorum of the managers that are left", () => {
	/** `+` a reachable manager, `-` an unreachable one, `.` a worker; the first one goes. */
	const others = (swarm: string) => {
		const nodes = [...swarm].map((sign, i): Node => {
			const manager = sign !== "." && { ManagerStatus: { Reachability: sign === "+" ? "reachable" : "unreachable" } };
			return { ID: `${i}`, Version: { Index: 1 }, Description: { Hostname: `m${i}` }, ...manager };
		});
		return otherManagers(nodes, "0");
	};
	// biome-ignore format: one swarm a row
	test.each([
		["++", true], ["+++", true], ["++-", false], ["-++", true], ["+++--", false], ["-++--", false], ["+++++", true],
		["-+++-", true], ["++++-", true], ["++--", false], ["++.", true], ["++-...", false], ["+--", false],
	])("%s: %s", (swarm, isKept) => {
		expect(quorumLost(others(swarm)) === undefined).toBe(isKept);
	});

	test("says what would be left, and whom to bring back", () => {
		expect(quorumLost(others("+++--"))).toMatch(/^of the managers left, 2 of 4 would be reachable, no majority: bring m3, m4 back/);
	});
});

test("tasks that have ended do not count as running", async () => {
	const states = ["new", "running", "preparing", "complete", "shutdown", "failed", "rejected", "remove", "orphaned"];
	const docker = { listTasks: async () => states.map((State) => ({ Status: { State } })) } as unknown as Docker;
	expect((await runningTasks(docker, {})).map(({ Status }) => Status.State)).toEqual(["new", "running", "preparing"]);
});

test("only 404 means that it is not there", async () => {
	const answer = (statusCode: number) => orUndefined(Promise.reject(Object.assign(new Error(`${statusCode}`), { statusCode })));
	expect(await answer(404)).toBeUndefined();
	await expect(answer(500)).rejects.toThrow("500");
	expect(await orUndefined(Promise.resolve("there"))).toBe("there");
});

describe("a service is found", () => {
	const docker = (answer: () => Promise<object>) => ({ getService: () => ({ inspect: answer }) }) as unknown as Docker;
	const admin = { ID: "uixyz", Spec: { Name: "admin" } };

	test("by its name and by its ID", async () => {
		const swarm = docker(async () => admin);
		expect(await findService(swarm, "admin")).toBe(admin);
		expect(await findService(swarm, "uixyz")).toBe(admin);
	});

	test("and not by what an ID begins with, as Docker takes it, be it one or several", async () => {
		expect(
			await findService(
				docker(async () => admin),
				"ui",
			),
		).toBeUndefined();
		const several = docker(() => Promise.reject(new Error("(HTTP code 400) service ui is ambiguous (2 matches found)")));
		expect(await findService(several, "ui")).toBeUndefined();
		await expect(
			findService(
				docker(() => Promise.reject(new Error("connect ECONNREFUSED"))),
				"ui",
			),
		).rejects.toThrow("ECONNREFUSED");
	});
});
