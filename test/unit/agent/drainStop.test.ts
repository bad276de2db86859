import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { published } from "./support/network.ts";
import { until } from "./support/node.ts";
import { world } from "./support/world.ts";

/* host/agents/drain_agent.py, the real program with real iptables and conntrack: how a task is stopped. Docker is a stand-in. */

const at = world();

/** Whether the agent has asked for a signal. */
const told = () =>
	until(
		() => at.node.docker.kills.length > 0,
		"a signal is sent",
		() => at.node.log,
	);
const closed = () =>
	until(
		() => at.node.isClosed(),
		"the port is closed",
		() => at.node.log,
	);
const signals = () => at.node.docker.kills.map(({ signal }) => signal);

describe("a task that is asked to stop", () => {
	test("gets no new connection, neither from other hosts nor from its own, ends what is in flight, and then gets its image's own signal", async () => {
		const { node, client, local } = at;
		const task = await node.run({ health: "healthy", stopSignal: "SIGQUIT" });
		await node.startAgent();
		expect([await client.get(node.url), await local.get(node.url)]).toEqual(["200", "200"]);
		const { said, release } = await node.request(task);
		node.stop(task);
		await closed();
		expect([await client.get(node.url), await local.get(node.url)]).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
		await until(async () => (await node.state).connections === 1, "it tells how many are left");
		expect(await node.state).toMatchObject({ state: "closed", container: task.id.slice(0, 12) });
		expect(signals()).toEqual([]);
		release();
		expect(await said).toBe("200");
		await told();
		await until(() => task.said.includes("signal SIGQUIT"), "the application gets it");
		// Closed for the next one.
		await until(async () => (await node.state).container === "", "it has ended");
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		expect((await node.state).state).toBe("closed");
		await node.run();
		await until(
			async () => (await client.get(node.url)) === "200",
			"the next one serves",
			() => node.log,
		);
		expect(signals()).toEqual(["SIGQUIT"]);
	});

	test.each([
		["28", "28"],
		[undefined, "SIGTERM"],
	])("whose image's STOPSIGNAL is %s gets %s", async (stopSignal, sent) => {
		const { node } = at;
		const task = await node.run({ health: "healthy", ...(stopSignal && { stopSignal }) });
		await node.startAgent();
		node.stop(task);
		await told();
		expect(signals()).toEqual([sent]);
	});

	test("is stopped at the drain limit, and killed when it is deaf", async () => {
		const { node } = at;
		const task = await node.run({ health: "healthy", behaviour: "deaf", terms: { drainLimitSeconds: 1.5, stopGraceSeconds: 1 } });
		await node.startAgent();
		const { said } = await node.request(task);
		const begun = Date.now();
		node.stop(task);
		await until(
			() => signals().length === 2,
			"both signals",
			() => node.log,
		);
		const [first, second] = node.docker.kills.map((kill) => (kill.at - begun) / 1000);
		expect(signals()).toEqual(["SIGTERM", "SIGKILL"]);
		expect(first).toBeGreaterThanOrEqual(1.5);
		expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(0.9);
		expect(node.log).toContain("1 connections left");
		expect(await said).toMatch(/ECONNRESET|socket hang up/);
	});

	test("may send to the same port of others meanwhile, and is not held up by it", async () => {
		const { node, client, inside } = at;
		await client.wish({ listen: published });
		const task = await node.run({ health: "healthy" });
		await node.startAgent();
		const other = `http://10.77.0.254:${published}/`;
		const before = inside.get(`${other}?ms=4000`);
		const { said, release } = await node.request(task);
		node.stop(task);
		await closed();
		expect(await inside.get(other)).toBe("200");
		release();
		await said;
		await told();
		expect(node.log).toMatch(/ 0 connections left/);
		expect(await before).toBe("200");
	});

	test.each([
		["iptables-restore", "echo no lock >&2; exit 4", /port 8080 cannot be closed: iptables-restore: no lock/],
		["iptables-save", "exit 1", /port 8080 cannot be closed: iptables-save: 1/],
		["conntrack", "echo no table >&2; exit 1", /an unknown number of connections left/],
		["iptables-save", "sleep 25", /the firewall does not answer: not drained/],
		["conntrack", "sleep 25", /the firewall does not answer: not drained/],
	])("is stopped at the limit when %s does not do its work: %s", async (program, script, said) => {
		const { node } = at;
		const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 1.5 } });
		await node.startAgent();
		const { said: answer } = await node.request(task);
		node.standIn(program, script);
		const begun = Date.now();
		node.stop(task);
		await told();
		expect((node.docker.kills[0]?.at ?? 0) - begun).toBeGreaterThanOrEqual(1500);
		expect((node.docker.kills[0]?.at ?? 0) - begun).toBeLessThan(10_000);
		expect(signals()).toEqual(["SIGTERM"]);
		expect(node.log).toMatch(said);
		await answer;
	});

	test("is stopped all the same when Docker does not answer for a while", async () => {
		const { node } = at;
		const task = await node.run({ health: "healthy" });
		await node.startAgent("--docker-timeout", "1");
		node.docker.isStalled = true;
		node.stop(task);
		await until(
			() => node.log.includes("was not sent"),
			"it is tried",
			() => node.log,
		);
		node.docker.isStalled = false;
		await until(
			() => task.said.includes("signal SIGTERM"),
			"the application gets it",
			() => node.log,
		);
	});
});

describe("an agent that is killed", () => {
	test("in a drain goes on with it: the port stays closed, the limit counts from its beginning, the signal comes once", async () => {
		const { node, client } = at;
		const task = await node.run({ health: "healthy", behaviour: "deaf", terms: { drainLimitSeconds: 4, stopGraceSeconds: 2 } });
		await node.startAgent();
		const { said } = await node.request(task);
		const begun = Date.now();
		node.stop(task);
		await until(
			() => node.log.includes("new connections are refused"),
			"closed",
			() => node.log,
		);
		await node.endAgent("SIGKILL");
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		await node.startAgent();
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		expect(node.log).not.toContain("are accepted");
		await told();
		expect((node.docker.kills[0]?.at ?? 0) - begun).toBeLessThan(6500);
		await until(() => node.log.includes("stopping"), "noted");
		await sleep(300);
		await node.endAgent("SIGKILL");
		await node.startAgent();
		await until(() => signals().includes("SIGKILL"), "the grace passes");
		expect(signals()).toEqual(["SIGTERM", "SIGKILL"]);
		await said;
	});

	test("makes up for a stop that was announced while it was down, and for its time", async () => {
		const { node } = at;
		const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 8 } });
		await node.startAgent();
		await node.endAgent("SIGKILL");
		node.stop(task);
		await node.startAgent();
		await told();
		expect(signals()).toEqual(["SIGTERM"]);
		expect(node.docker.wishes.map((wish) => wish.get("since"))).toEqual([
			expect.stringMatching(/^\d{10}\.\d{9}$/),
			expect.stringMatching(/^\d{10}\.\d{9}$/),
		]);
	});

	test("ends when Docker's events break off in the middle of a line, and leaves everything as it is", async () => {
		const { node } = at;
		const task = await node.run({ health: "healthy", behaviour: "deaf", terms: { drainLimitSeconds: 20 } });
		await node.startAgent();
		const { said } = await node.request(task);
		node.stop(task);
		await closed();
		const ended = new Promise((resolve) => node.agent?.once("exit", resolve));
		node.docker.cutOff();
		expect(await ended).toBe(1);
		expect(node.log).toContain("ends: Docker ended the event stream");
		expect(node.isClosed()).toBe(true);
		task.app?.kill("SIGKILL");
		await said;
	});
});
