import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { projectDirectory } from "../fixtures.ts";
import { service, until } from "./support/node.ts";
import { world } from "./support/world.ts";

/* host/agents/drain_agent.py, the real program with real iptables: how the agent itself ends. Docker and systemctl are stand-ins. */

const at = world();
const unit = "scaleout-drain-was.service";
const closed = () =>
	until(
		() => at.node.isClosed(),
		"the port is closed",
		() => at.node.log,
	);

describe("when Docker is about to be stopped", () => {
	test.each([
		["stop", "SIGQUIT"],
		["restart", undefined],
	])("(%s) the node is drained first, then Docker is let go, and the application gets its image's signal", async (job, stopSignal) => {
		const { node, client } = at;
		const task = await node.run({ health: "healthy", ...(stopSignal && { stopSignal }) });
		await node.startAgent();
		const { said: answer, release } = await node.request(task);
		node.jobs(`  12 docker.service ${job} waiting\n  13 ${unit} ${job} running\n`);
		const ended = node.endAgent("SIGTERM");
		await closed();
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		expect(node.agent?.exitCode).toBe(null);
		release();
		expect(await answer).toBe("200");
		expect(await ended).toBe(0);
		expect(node.looks, "looks of the helper that is left behind, when Docker may stop").toBeGreaterThan(0);
		expect(node.isClosed()).toBe(true);
		// Docker runs still: what ends now would be a failed task.
		await sleep(500);
		expect(task.said).not.toContain(`signal ${stopSignal ?? "SIGTERM"}`);
		node.dockerState("deactivating");
		await until(() => task.said.includes(`signal ${stopSignal ?? "SIGTERM"}`), "the application is told");
		expect(node.docker.kills).toEqual([]);
	});

	test("a stop that was announced before is brought to its end, by its own signal", async () => {
		const { node } = at;
		const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 2 } });
		await node.startAgent();
		const { said: answer } = await node.request(task);
		node.stop(task);
		await closed();
		node.jobs(`  12 docker.service stop waiting\n`);
		expect(await node.endAgent("SIGTERM")).toBe(0);
		expect(node.docker.kills).toMatchObject([{ signal: "SIGTERM" }]);
		await answer;
	});

	test("and is there again, the port stays closed for the next task, and the node counts as closed", async () => {
		const { node, client } = at;
		const task = await node.run({ health: "healthy" });
		await node.startAgent();
		node.jobs(`  12 docker.service restart waiting\n`);
		await node.endAgent("SIGTERM");
		task.app?.kill("SIGKILL");
		await until(() => node.docker.containers.get(task.id)?.State.Status === "exited", "it has ended");
		node.jobs("");
		await node.startAgent();
		expect(node.isClosed()).toBe(true);
		expect((await node.state).state).toBe("closed");
		await node.run();
		await until(
			async () => (await client.get(node.url)) === "200",
			"the next one serves",
			() => node.log,
		);
	});
});

describe("when the agent is stopped", () => {
	/** With its port closed: the task has not been healthy yet. */
	async function withClosedPort() {
		await at.node.startAgent();
		await at.node.run({}, 503);
		await closed();
	}

	test("alone, it opens what it has closed", async () => {
		await withClosedPort();
		at.node.jobs(`  13 ${unit} stop running\n`);
		expect(await at.node.endAgent("SIGTERM")).toBe(0);
		expect(at.node.isClosed()).toBe(false);
	});

	test("to be started again, it leaves closed what is closed", async () => {
		await withClosedPort();
		at.node.jobs(`  13 ${unit} restart running\n`);
		expect(await at.node.endAgent("SIGTERM")).toBe(0);
		expect(at.node.isClosed()).toBe(true);
	});

	test("for good, --clear opens what it has left closed", async () => {
		const { node } = at;
		await withClosedPort();
		await node.endAgent("SIGKILL");
		expect(node.isClosed()).toBe(true);
		const program = path.join(projectDirectory, "host", "agents", "drain_agent.py");
		const clear = ["netns", "exec", node.namespace, "python3", "-B", program, "--service", "was", "--run", node.scratch, "--clear"];
		expect(spawnSync("ip", clear, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
		expect(node.isClosed()).toBe(false);
		expect(node.sh("iptables-save -t filter")).not.toContain("SCALEOUT");
	});
});

describe("a node without a task", () => {
	test("that has just started counts as closed, as one is about to come, also when its last container was removed; one whose service is gone does not", async () => {
		const { node } = at;
		node.docker.isManager = true;
		await node.startAgent();
		expect((await node.state).state).toBe("closed");
		const task = await node.run({ health: "healthy" });
		await until(
			async () => (await node.state).state === "serving",
			"it serves",
			() => node.log,
		);
		node.stop(task);
		await until(
			async () => (await node.state).container === "",
			"it has ended",
			() => node.log,
		);
		expect((await node.state).state).toBe("closed");
		// Pruned, or more than the history of tasks holds: the next one's image is being pulled.
		node.docker.event(task.id, "destroy");
		await sleep(1200);
		expect((await node.state).state).toBe("closed");
		expect(node.isClosed()).toBe(true);
		node.docker.removed.add(service);
		node.docker.event(task.id, "destroy");
		await until(
			async () => (await node.state).state === "away",
			"none is expected",
			() => node.log,
		);
		expect(node.isClosed()).toBe(false);
		await sleep(1200);
		await node.endAgent("SIGKILL");
		await node.startAgent();
		expect((await node.state).state).toBe("away");
	});
});
