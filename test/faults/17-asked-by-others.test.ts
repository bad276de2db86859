import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Managers } from "../support/managers.ts";
import { apps, newVersion, RolloutLab } from "../support/rollout.ts";

/*
 * Whoever asks tasks to stop, and however many at once, no more than one node is closed at a time: Swarm itself, which replaces all tasks past its own
 * updater when its managers change; somebody by hand; a restart of Docker. And a refresh that comes across a rollout leaves it alone.
 */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const managers = new Managers(lab);
const minutes = 60_000;

afterAll(closeConnections);

/** Waits until a version runs on so many nodes. A manager that is away for a moment is asked again. */
const expectOn = (nodes: number, version: string, manager = "manager") =>
	expect
		.poll(() => lab.nodesWith(version, manager).catch(() => -1), { timeout: 15 * minutes, interval: 5000 })
		.toBeGreaterThanOrEqual(nodes);

/** Rolls a version out under load, and restarts a manager's Docker as soon as the first node has it. */
async function restartInRollout(restarted: string, witness: string): Promise<void> {
	const version = newVersion(`restarted-${restarted}`);
	const { watched } = await lab.underLoad(async (watch) => {
		lab.configure({ WAS_VERSION: version, SHUTDOWN: "immediate" });
		const up = lab.stack.beginUp();
		await expect.poll(() => watch.openAgain(), { timeout: 15 * minutes, interval: 1000 }).not.toEqual([]);
		await lab.restartDocker(restarted);
		await expectOn(apps.length, version, witness);
		await lab.endRollout(up, "--refresh");
	});
	expect(watched.closed).toEqual(apps);
	await lab.expectVersion(version);
	await lab.expectNothingDrained();
	await lab.expectUnchanged("--refresh");
}

describe.skipIf(noEngine)("a rollout under way", () => {
	test("goes on one node after another when the only manager's Docker is restarted", async () => {
		lab.configure({ WAS_VERSION: newVersion("before"), SHUTDOWN: "immediate" });
		await lab.converge();
		await restartInRollout("manager", "manager");
	});

	test("in an order of nodes keeps it, and shows no drift, when a refresh comes across it", async () => {
		const order = { rollout: { order: ["worker2", "manager"], delaySeconds: 30 } };
		const version = newVersion("ordered");
		lab.configure({ WAS_VERSION: newVersion("before"), SHUTDOWN: "immediate" }, order);
		await lab.converge();
		await lab.underLoad(async () => {
			lab.configure({ WAS_VERSION: version, SHUTDOWN: "immediate" }, order);
			const up = await lab.beginRollout();
			await expectOn(1, version);
			await lab.kill(up);
			// The killed CLI has not noted the new version: that one is named, and nothing of how Swarm goes about it.
			const { output } = await lab.stack.previewText("--refresh");
			expect(output).not.toMatch(/UpdateConfig|UpdateStatus|"pause"/);
			await lab.converge("--refresh");
		});
		await lab.expectVersion(version);
		expect(await lab.byAge()).toEqual(["worker2", "manager", "worker1"]);
		// Had the refresh begun it again, a node would have started it twice.
		expect(await lab.events(version)).toEqual({ manager: ["start"], worker1: ["start"], worker2: ["start"] });
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
	});
});

describe.skipIf(noEngine)("with three managers, a rollout under way", () => {
	beforeAll(async () => {
		lab.configure({ WAS_VERSION: newVersion("before"), SHUTDOWN: "immediate" });
		managers.configure(...apps);
		await lab.converge();
	});

	afterAll(async () => {
		managers.configure("manager");
		lab.configure();
		await lab.converge();
	});

	test("goes on one node after another when the leader's Docker is restarted", async () => {
		const leader = (await managers.leader("manager")) as string;
		const witness = apps.find((app) => app !== leader) as string;
		await restartInRollout(leader, witness);
	});
});

describe.skipIf(noEngine)("nodes", () => {
	test("that are all asked at once by hand go one after another; up --refresh puts the service back", async () => {
		lab.configure({ WAS_VERSION: newVersion("at-once"), SHUTDOWN: "immediate" });
		await lab.converge();
		const before = await lab.healthyTasks();
		const { watched } = await lab.underLoad(async () => {
			await lab.on("manager", "docker service update -q --detach --force --update-parallelism 0 babble-was");
			const replaced = async () => (await lab.healthyTasks()).filter((id) => !before.includes(id));
			await expect.poll(replaced, { timeout: 15 * minutes, interval: 2000 }).toHaveLength(apps.length);
			await lab.converge("--refresh");
		});
		expect(watched.closed).toEqual(apps);
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
	});

	test("of which one is drained by hand, and let in again: it ends what it has begun, and no request fails", async () => {
		lab.configure({ WAS_VERSION: newVersion("drained"), SHUTDOWN: "immediate" });
		await lab.converge();
		const { watched } = await lab.underLoad(async (watch) => {
			await lab.on("manager", "docker node update --availability drain worker2");
			await expect.poll(() => lab.containerOn("worker2"), { timeout: 5 * minutes, interval: 1000 }).toBe("");
			await lab.on("manager", "docker node update --availability active worker2");
			await expect.poll(() => watch.openAgain(), { timeout: 10 * minutes, interval: 1000 }).toEqual(["worker2"]);
		});
		expect(watched.closed).toEqual(["worker2"]);
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
	});

	test("of which one has its Docker restarted: the application's shutdown hook runs, and no request fails", async () => {
		const version = newVersion("hook");
		lab.configure({ WAS_VERSION: version });
		await lab.converge();
		const before = await lab.containerOn("worker2");
		const { watched } = await lab.underLoad(async (watch) => {
			await lab.restartDocker("worker2");
			const another = async () => ![before, ""].includes(await lab.containerOn("worker2").catch(() => ""));
			await expect.poll(another, { timeout: 10 * minutes, interval: 2000 }).toBe(true);
			await expect.poll(() => watch.closedNow(), { timeout: 5 * minutes, interval: 1000 }).toEqual([]);
		});
		expect(watched.closed).toEqual(["worker2"]);
		expect(await lab.events(version)).toEqual({ manager: ["start"], worker1: ["start"], worker2: ["start", "stopping", "stop", "start"] });
		await lab.expectNothingDrained();
		lab.configure();
		await lab.converge("--refresh");
	});
});
