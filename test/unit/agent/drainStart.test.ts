import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { closeScript } from "../../../providers/service/unannouncedStops.ts";
import type { Client } from "./support/network.ts";
import { otherPublished, published } from "./support/network.ts";
import { until } from "./support/node.ts";
import { world } from "./support/world.ts";

/* host/agents/drain_agent.py, the real program with real iptables and conntrack: which tasks get requests, and from when on. Docker is a stand-in. */

const at = world();

/** Asks all the time, as a load balancer's clients do, until it is ended. Returns what came of each request, with the moment. */
function load(client: Client, url: string): () => Promise<{ said: string; at: number }[]> {
	const seen: { said: string; at: number }[] = [];
	let isOn = true;
	const asking = (async () => {
		while (isOn) {
			seen.push({ said: await client.get(url), at: Date.now() });
			await sleep(20);
		}
	})();
	return async () => {
		isOn = false;
		await asking;
		return seen;
	};
}

const kinds = (seen: { said: string }[]) => [...new Set(seen.map(({ said }) => said))];

describe("a container that Docker could not start", () => {
	/** One that cannot be started beside one that has served and ends. */
	async function left() {
		const { node } = at;
		const task = await node.run({ health: "healthy" });
		await node.startAgent();
		const broken = node.create();
		const container = node.docker.containers.get(broken.id);
		if (container) container.State = { ...container.State, Error: "cannot be mounted" };
		await until(
			async () => (await node.state).state === "serving",
			"it serves",
			() => node.log,
		);
		node.stop(task);
		await until(
			async () => (await node.state).container === broken.id.slice(0, 12),
			"the other one is left",
			() => node.log,
		);
		return broken;
	}

	test("is forgotten when it is removed", async () => {
		const { node } = at;
		const broken = await left();
		node.docker.containers.delete(broken.id);
		node.docker.event(broken.id, "destroy");
		await until(
			async () => (await node.state).container === "",
			"it is forgotten",
			() => node.log,
		);
	});

	test("is forgotten when the next one is made, which serves and is stopped as any other", async () => {
		const { node } = at;
		await left();
		const next = await node.run();
		await until(
			async () => (await node.state).state === "serving",
			"it serves",
			() => node.log,
		);
		node.stop(next);
		await until(
			async () => (await node.state).container === "",
			"none is left",
			() => node.log,
		);
	});
});

describe("a task of which Docker cannot tell for a moment", () => {
	test("is let in once Docker can", async () => {
		const { node, client } = at;
		await node.startAgent();
		const task = node.create();
		await until(
			async () => (await node.state).container === task.id.slice(0, 12),
			"it is known",
			() => node.log,
		);
		node.docker.isBroken = true;
		await node.start(task);
		await until(
			async () => (await node.state).reason.includes("Docker answers 500"),
			"it is told",
			() => node.log,
		);
		node.docker.isBroken = false;
		await until(
			async () => (await client.get(node.url)) === "200",
			"it serves",
			() => node.log,
		);
	});
});

describe("a task that serves", () => {
	test.each([
		["healthy", 200],
		["unhealthy", 503],
	])(
		"goes on serving when the agent starts, is killed and starts again, also when it is %s and answers %i at that moment",
		async (health, status) => {
			const { node, client } = at;
			await node.run({ health }, status);
			const end = load(client, node.url);
			await node.startAgent();
			await sleep(300);
			await node.endAgent("SIGKILL");
			await node.startAgent();
			await sleep(1200);
			expect(kinds(await end())).toEqual(["200"]);
			await expect.poll(() => node.state, { timeout: 3000 }).toMatchObject({ state: "serving", reason: "it serves" });
		},
	);

	test("goes on serving when it was let in and Docker has not found it healthy yet", async () => {
		const { node, client } = at;
		await node.startAgent();
		const task = await node.run();
		await until(
			async () => (await client.get(node.url)) === "200",
			"it serves",
			() => node.log,
		);
		await node.endAgent("SIGKILL");
		node.answerHealth(task, 503);
		const end = load(client, node.url);
		await node.startAgent();
		await sleep(300);
		expect(kinds(await end())).toEqual(["200"]);
	});

	test("goes on serving while Swarm makes the next one ready beside it", async () => {
		const { node, client } = at;
		await node.run({ health: "healthy" });
		await node.startAgent();
		const end = load(client, node.url);
		node.create();
		await sleep(1500);
		expect(kinds(await end())).toEqual(["200"]);
		expect(node.isClosed()).toBe(false);
		expect((await node.state).state).toBe("serving");
	});

	test("is left alone when it was made by other means", async () => {
		const { node, client } = at;
		const task = await node.run({ terms: null });
		await node.startAgent();
		// By its own signal.
		node.docker.event(task.id, "kill", { signal: "15" });
		await sleep(1000);
		expect([node.isClosed(), node.docker.kills, await client.get(node.url)]).toEqual([false, [], "200"]);
	});

	test("that was made by other means stays closed when `up` has closed it before its stop, though the next container is made ready; the next task is let in", async () => {
		const { node, client } = at;
		const task = await node.run({ terms: null });
		await node.startAgent();
		execFileSync("ip", ["netns", "exec", node.namespace, "bash", "-ec", closeScript(published)]);
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		const next = node.create({ health: "healthy" });
		await until(
			() => fs.existsSync(path.join(node.memory, `${next.id}.new`)),
			"the agent knows of the next one",
			() => node.log,
		);
		await sleep(1500);
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		task.app?.kill("SIGKILL");
		await until(() => node.docker.containers.get(task.id)?.State.Status === "exited", "it has ended");
		await node.start(next);
		await until(
			async () => (await client.get(node.url)) === "200",
			"it is let in",
			() => node.log,
		);
		expect(node.isClosed()).toBe(false);
	});

	test("that was made by other means is closed to new connections when the next container is made ready, and opened again when that is not to be", async () => {
		const { node, client } = at;
		const task = await node.run({ terms: null });
		await node.startAgent();
		const { said, release } = await node.request(task);
		const next = node.create({ health: "healthy" });
		const closed = async () => (await client.get(node.url)) === "ECONNREFUSED";
		await until(closed, "it is closed", () => node.log);
		release();
		expect(await said).toBe("200");
		node.docker.containers.delete(next.id);
		node.docker.event(next.id, "destroy");
		await until(
			async () => !(await closed()),
			"it is open again",
			() => node.log,
		);
	});

	test("that was made by other means is let in where the agent had closed the port, as after a rollback to it", async () => {
		const { node, client } = at;
		const task = await node.run({ health: "healthy" });
		await node.startAgent();
		node.stop(task);
		await until(() => node.docker.containers.get(task.id)?.State.Status === "exited", "it has ended");
		expect(node.isClosed()).toBe(true);
		await node.run({ terms: null });
		await until(
			async () => (await client.get(node.url)) === "200",
			"it is let in",
			() => node.log,
		);
		await sleep(1500);
		expect(await client.get(node.url)).toBe("200");
	});

	test("is left alone, and named, when its label cannot be read; the signal that does nothing is not all it gets", async () => {
		const { node, client } = at;
		const task = await node.run({ terms: { drainLimitSeconds: "soon" as unknown as number }, health: "healthy", stopSignal: "SIGQUIT" });
		await node.startAgent();
		expect(node.log).toContain(`${task.id.slice(0, 12)}: its label scaleout.task cannot be read`);
		expect(await client.get(node.url)).toBe("200");
		node.stop(task);
		await until(
			() => task.said.includes("signal SIGQUIT"),
			"the application gets it",
			() => node.log,
		);
	});
});

describe("a new task", () => {
	test("is let in by an agent that goes on while Docker is slow to answer", async () => {
		const { node, client } = at;
		await node.startAgent("--docker-timeout", "0.5");
		const { agent } = node;
		const task = node.create();
		node.docker.isStalled = true;
		await until(
			() => node.log.includes("Docker does not answer in time"),
			"it says so",
			() => node.log,
		);
		node.docker.isStalled = false;
		await node.start(task);
		await until(
			async () => (await client.get(node.url)) === "200",
			"the task is let in",
			() => node.log,
		);
		expect(agent?.exitCode).toBeNull();
	});

	test("gets no connection until it has been healthy for a while, from its first moment on", async () => {
		const { node, client } = at;
		await node.startAgent();
		const task = node.create({ terms: { settleSeconds: 1.5 } });
		await until(
			() => node.isClosed(),
			"closed before it starts",
			() => node.log,
		);
		const end = load(client, node.url);
		await node.start(task, 503);
		await sleep(500);
		expect((await node.state).reason).toMatch(/not healthy yet/);
		const healthy = Date.now();
		node.answerHealth(task, 200);
		await until(
			async () => (await node.state).state === "serving",
			"it serves",
			() => node.log,
		);
		await sleep(200);
		const seen = await end();
		expect(kinds(seen)).toEqual(["ECONNREFUSED", "200"]);
		const first = seen.find(({ said }) => said === "200")?.at ?? 0;
		expect(first - healthy).toBeGreaterThan(1450);
		expect(node.isClosed()).toBe(false);
	});

	test("that crashes before it was healthy for long enough has got none", async () => {
		const { node, client } = at;
		await node.startAgent();
		const task = node.create({ terms: { settleSeconds: 2 } });
		await until(
			() => node.isClosed(),
			"closed",
			() => node.log,
		);
		const end = load(client, node.url);
		await node.start(task);
		await until(() => task.said.includes("request /health"), "it is asked");
		task.app?.kill("SIGKILL");
		await sleep(1500);
		expect(kinds(await end())).toEqual(["ECONNREFUSED"]);
		expect(task.said.filter((said) => said !== "request /health")).toEqual(["listening"]);
		// For the next one.
		expect(node.isClosed()).toBe(true);
		expect((await node.state).state).toBe("closed");
	});

	test("is not let in sooner because the agent starts again, whatever Docker's check says", async () => {
		const { node, client } = at;
		await node.startAgent();
		const task = await node.run({ terms: { settleSeconds: 2 } }, 503);
		await node.endAgent("SIGKILL");
		node.dockerFinds(task, "healthy");
		await node.startAgent();
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		node.answerHealth(task, 200);
		await until(
			async () => (await client.get(node.url)) === "200",
			"it serves",
			() => node.log,
		);
	});

	test("differs from the old one in all: each is treated by what it was started with", async () => {
		const { node, client } = at;
		const old = await node.run({ health: "healthy" });
		await node.startAgent();
		const terms = { target: 81, health: { path: "/healthz", status: [204], host: "x", timeoutSeconds: 1 }, drainLimitSeconds: 1 };
		const next = node.create({ terms, published: otherPublished });
		await until(
			() => node.isClosed(otherPublished),
			"the new port is closed",
			() => node.log,
		);
		expect(await client.get(node.url)).toBe("200");
		node.stop(old);
		await until(
			() => node.docker.kills.length > 0,
			"the old one is drained",
			() => node.log,
		);
		await node.start(next);
		await until(
			async () => /not healthy yet: .*200/.test((await node.state).reason),
			"the reason",
			() => node.log,
		);
		expect(await client.get(`http://${node.address}:${otherPublished}/`)).toBe("ECONNREFUSED");
		expect(node.isClosed(), "the port of before, until the next one serves").toBe(true);
		node.answerHealth(next, 204);
		await until(
			() => !node.isClosed(otherPublished) && !node.isClosed(),
			"both ports are open",
			() => node.log,
		);
	});

	test("that is healthy and whose port Docker does not publish is stopped after ten seconds, and named", async () => {
		const { node } = at;
		await node.startAgent();
		const task = await node.run({ isPublished: false });
		await until(
			async () => (await node.state).reason.includes("has not published"),
			"it is named",
			() => node.log,
			8,
		);
		const begun = Date.now();
		node.dockerFinds(task, "healthy");
		expect(node.docker.kills).toEqual([]);
		await until(
			() => node.docker.kills.length > 0,
			"it is stopped",
			() => node.log,
		);
		expect(Date.now() - begun).toBeGreaterThan(9900);
		expect(node.docker.kills).toMatchObject([{ id: task.id, signal: "SIGKILL" }]);
		expect(node.log).toContain(`${task.id.slice(0, 12)}: its task is healthy, and Docker has not published its port`);
	});

	test("that was there before the agent, healthy and without its port, is no task that serves", async () => {
		const { node } = at;
		await node.run({ isPublished: false, health: "healthy" });
		await node.startAgent();
		expect((await node.state).state).toBe("closed");
	});
});
