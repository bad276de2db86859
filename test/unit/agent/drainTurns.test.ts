import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Client, Network, whyNot } from "./support/network.ts";
import { Node, type StandInTask, service, until } from "./support/node.ts";

/* host/agents/drain_agent.py, the real program on several nodes: they take turns. Docker is a stand-in on each. See turns.test.ts for the rules. */

const reason = whyNot();
let network: Network;
let nodes: Node[];
/** Another host that answers for a peer, in some tests. */
let peer: Client | undefined;

beforeAll(async () => {
	if (reason) return;
	network = new Network();
	nodes = [1, 2, 3, 4, 5].map((index) => new Node(network, index));
	for (const node of nodes) await node.docker.listen();
}, 120_000);

beforeEach((context) => {
	if (reason) context.skip(reason);
});

afterEach(async () => {
	await peer?.end();
	for (const node of nodes ?? []) await node.reset();
});

afterAll(async () => {
	for (const node of nodes ?? []) await node.remove();
	network?.remove();
});

/** Starts some nodes with a task that serves on each. */
async function start(some: Node[], ...options: string[]): Promise<StandInTask[]> {
	for (const node of some) {
		const peers = some.filter((other) => other !== node);
		node.options = [...peers.flatMap(({ name, address }) => ["--peer", `${name}=${address}`]), ...options];
	}
	return Promise.all(
		some.map(async (node) => {
			const task = await node.run({ health: "healthy", terms: { turnLimitSeconds: 150 } });
			await node.startAgent();
			return task;
		}),
	);
}

/** Asks all nodes all the time, as a load balancer does. Returns what ends it and gives the most that refused at the same time. */
function watch(some: Node[]): () => Promise<number> {
	let isOn = true;
	let most = 0;
	const refuses = async (node: Node) => ((await network.client.get(node.url)) === "200" ? [] : [node.name]);
	const refuse = async () => (await Promise.all(some.map(refuses))).flat();
	const watching = (async () => {
		while (isOn) {
			const [first, second] = [await refuse(), await refuse()];
			// Twice in a row: in between, one may open and the next one close.
			most = Math.max(most, first.filter((name) => second.includes(name)).length);
			await sleep(50);
		}
	})();
	return async () => {
		isOn = false;
		await watching;
		return most;
	};
}

const serveAgain = (some: Node[]) =>
	until(
		async () => (await Promise.all(some.map(async (node) => (await node.state).state))).every((state) => state === "serving"),
		"all serve again",
		() => some.map(({ name, log }) => `${name}: ${log}`).join("\n"),
		60,
	);

const told = (node: Node) => node.docker.kills[0]?.at ?? 0;

describe("nodes that are all asked to stop at once", () => {
	test("close one at a time, and all get their turn, though agents are killed meanwhile", { timeout: 180_000 }, async () => {
		const tasks = await start(nodes);
		const end = watch(nodes);
		const replaced = nodes.map(async (node, index) => {
			await sleep(Math.random() * 400);
			return node.replace(tasks[index] as StandInTask, { terms: { settleSeconds: 0.3 } });
		});
		for (const node of [nodes[1], nodes[3]] as Node[]) {
			await sleep(1000);
			await node.endAgent("SIGKILL");
			await node.startAgent();
		}
		await Promise.all(replaced);
		await serveAgain(nodes);
		expect(await end()).toBe(1);
		for (const node of nodes) expect(node.docker.kills.map(({ signal }) => signal)).toEqual(["SIGTERM"]);
		for (const node of nodes) expect(node.log).not.toContain("all the same");
	});

	test("close in the order that was wished, one at a time", { timeout: 120_000 }, async () => {
		const some = nodes.slice(0, 3);
		const tasks = await start(some, "--order", "node3,node1");
		const end = watch(some);
		await Promise.all(some.map((node, index) => node.replace(tasks[index] as StandInTask, { terms: { settleSeconds: 0.3 } })));
		await serveAgain(some);
		expect(await end()).toBe(1);
		expect(some.toSorted((a, b) => told(a) - told(b)).map(({ name }) => name)).toEqual(["node3", "node1", "node2"]);
	});
});

describe("a node that is asked to stop", () => {
	/** One node, and another host that answers for a peer. */
	async function withPeer(state: object, turnLimitSeconds: number, ...options: string[]) {
		const node = nodes[0] as Node;
		peer = network.clientIn(network.namespaces[0] as string);
		const body = JSON.stringify({ service: "was", number: 0, choosing: false, seconds: 1000, ...state });
		expect(await peer.wish({ listen: 7947, body })).toBe("listening");
		node.options = ["--peer", "other=10.77.0.254", ...options];
		const task = await node.run({ health: "healthy", terms: { turnLimitSeconds } });
		await node.startAgent();
		return { node, task };
	}

	test("serves while another one is closed, says why, and is drained all the same at the limit", async () => {
		const { node, task } = await withPeer({ state: "closed" }, 6);
		const begun = Date.now();
		node.stop(task);
		// It waits before it has chosen its number, and before it knows for whom.
		await expect
			.poll(() => node.state, { timeout: 4000 })
			.toMatchObject({ state: "waiting", number: 1, reason: "asked to stop, serves until it is its turn: other does not serve" });
		expect(await network.client.get(node.url)).toBe("200");
		await until(
			() => node.docker.kills.length > 0,
			"it is drained",
			() => node.log,
		);
		expect(told(node) - begun).toBeGreaterThan(5900);
		expect(node.log).toContain("other does not serve: it was not this node's turn for 6 s: it is drained all the same");
	});

	test("waits for nobody when it is noted that the service is being removed", async () => {
		const { node, task } = await withPeer({ state: "closed" }, 60);
		node.stop(task);
		await until(
			async () => (await node.state).state === "waiting",
			"it waits",
			() => node.log,
		);
		fs.writeFileSync(path.join(node.memory, "ending"), "");
		await until(
			() => node.docker.kills.length > 0,
			"it is drained",
			() => node.log,
		);
	});

	test("waits for nobody when the swarm no longer has its service: here by a peer's word, who is a manager", async () => {
		const { node, task } = await withPeer({ state: "closed", removed: [service] }, 60);
		node.stop(task);
		await until(
			() => node.docker.kills.length > 0,
			"it is drained",
			() => node.log,
		);
		expect(node.log).toContain("the service has been removed: nobody waits for a turn");
	});

	test("waits for one that its agent is no longer told of, while that one is still there and closed", async () => {
		const { node, task } = await withPeer({ state: "closed" }, 60);
		await node.endAgent("SIGTERM");
		node.options = [];
		await node.startAgent();
		node.stop(task);
		await until(
			async () => (await node.state).reason.includes("other does not serve"),
			"it waits",
			() => node.log,
		);
		expect(node.docker.kills).toEqual([]);
		await peer?.end();
		await until(
			() => node.docker.kills.length > 0,
			"it is drained",
			() => node.log,
		);
	});

	test("does not wait for one that has no task", async () => {
		const { node, task } = await withPeer({ state: "away" }, 60);
		node.stop(task);
		await until(
			() => node.docker.kills.length > 0,
			"it is drained",
			() => node.log,
		);
		expect(node.log).not.toContain("until it is its turn");
	});

	test("waits for its turn when its host is shut down, but not for as long as otherwise; then it drains, before Docker ends", async () => {
		const { node, task } = await withPeer({ state: "closed" }, 60, "--shutdown-turn", "4");
		node.jobs("  12 docker.service stop waiting\n");
		const ended = node.endAgent("SIGTERM");
		await until(
			async () => (await node.state).state === "waiting",
			"it waits",
			() => node.log,
		);
		expect(await network.client.get(node.url)).toBe("200");
		expect(await ended).toBe(0);
		expect(node.isClosed()).toBe(true);
		expect(task.said).not.toContain("signal SIGTERM");
	});

	test("asks for no turn when its host is shut down before agents of lesser names have ended there: two nodes of several services never wait for one another", async () => {
		const { node } = await withPeer({ state: "serving" }, 60, "--shutdown-turn", "60");
		const unit = (name: string, state: string) => `scaleout-drain-${name}.service loaded ${state} running Drains this node\n`;
		const later = unit("was", "deactivating") + unit("web", "deactivating");
		node.units(unit("admin", "deactivating") + unit("broken", "failed") + later);
		node.jobs("  12 docker.service stop waiting\n");
		const ended = node.endAgent("SIGTERM");
		await expect
			.poll(() => node.state, { timeout: 8000 })
			.toMatchObject({
				state: "waiting",
				number: 0,
				reason: expect.stringMatching(/other services .* are drained: scaleout-drain-admin\.service$/),
			});
		expect(await network.client.get(node.url)).toBe("200");
		node.units(unit("admin", "inactive") + later);
		expect(await ended).toBe(0);
		expect(node.isClosed()).toBe(true);
	});

	test("does not wait longer for them than for its turn", async () => {
		const { node } = await withPeer({ state: "serving" }, 60, "--shutdown-turn", "3");
		node.units("scaleout-drain-admin.service loaded active running Drains this node\n");
		node.jobs("  12 docker.service stop waiting\n");
		expect(await node.endAgent("SIGTERM")).toBe(0);
		expect(node.isClosed()).toBe(true);
	});
});
