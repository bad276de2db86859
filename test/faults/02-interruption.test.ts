import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { shellQuote } from "../../lib/connection.ts";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { signalMachine } from "../support/lab.ts";
import { apps, expectNoLoss, newVersion, RolloutLab } from "../support/rollout.ts";
import type { Running } from "../support/stack.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const minutes = 60_000;

afterAll(closeConnections);

let generation = 0;
const version = () => `interrupted-${generation}`;
beforeEach(() => {
	generation++;
	lab.configure({ WAS_VERSION: version() });
});

const newTasks = () =>
	lab.on("manager", `docker service ps babble-was --filter desired-state=running --format '{{.CurrentState}}' | cut -d' ' -f1`);

async function expectEnded(up: Running): Promise<void> {
	const { code, output } = await up.ended;
	expect(code, output).toBe(0);
}

async function expectConverged(...args: string[]): Promise<void> {
	await lab.converge(...args);
	await lab.expectVersion(version());
	await lab.expectNothingDrained();
}

const phases: [name: string, reached: () => Promise<boolean>][] = [
	["as the first node is taken out", async () => true],
	["as the first new task starts", async () => /^(Starting|Preparing|Ready|Assigned)/m.test(await newTasks())],
	["as a later node is taken out", async () => (await lab.nodesWith(version())) >= 2],
];

describe.skipIf(noEngine)("a rollout that is interrupted", () => {
	test.each(phases)(
		"by a killed CLI, %s: no request fails, Swarm finishes it, and the next up has nothing left to do",
		async (_name, reached) => {
			const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
			const up = await lab.beginRollout();
			await expect.poll(reached, { timeout: 5 * minutes, interval: 500 }).toBe(true);
			up.kill();
			await up.ended;
			await expect.poll(() => lab.updateStatus(), { timeout: 8 * minutes, interval: 3000 }).toMatch(/^completed/);
			await load.stop();
			expectNoLoss(load);
			await lab.stack.run("cancel", "--yes", "--stack", lab.stack.name);
			await expectConverged();
		},
	);

	test("by a second up: it is refused by the lock of the state, the first one goes on, and no request fails", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		const up = await lab.beginRollout();
		const { code, output } = await lab.stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(/the stack is currently locked by 1 lock/);
		await expectEnded(up);
		await load.stop();
		expectNoLoss(load);
		await lab.expectVersion(version());
		await lab.expectNothingDrained();
		await lab.expectUnchanged();
	});

	test("by SSH connections that break: up goes on and succeeds, and no request fails", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		const up = await lab.beginRollout();
		// The sessions' own processes (the brackets keep the command from finding itself), and none can be opened for a while.
		const cut = "systemctl stop ssh; pkill -f 'sshd: [r]oot'; sleep 20; systemctl start ssh";
		await lab.on("manager", `systemd-run -q --on-active=1 bash -c ${shellQuote(cut)}`);
		await closeConnections();
		await expectEnded(up);
		await load.stop();
		expectNoLoss(load);
		await expectConverged();
	});

	test("by agents that are killed: they go on where they were, one node is closed at a time, and no request fails", async () => {
		await lab.underLoad(async () => {
			const up = await lab.beginRollout();
			for (const app of apps) await lab.on(app, "systemctl kill -s KILL scaleout-drain-babble-was");
			await expectEnded(up);
		});
		await expectConverged();
	});

	test("by a reboot of the manager: the next up converges", async () => {
		const up = await lab.beginRollout();
		await lab.on("manager", "systemd-run --on-active=1 systemctl reboot --force --force").catch(() => {});
		await up.ended;
		await expectConverged("--refresh");
	});

	test("by the loss of a worker: the service serves, and the next up starts the machine again and converges", async () => {
		const up = await lab.beginRollout();
		signalMachine("worker2", "SIGKILL");
		for (let i = 0; i < 5; i++) expect((await fetch(`${lab.endpoint}/still`)).status).toBe(200);
		await lab.kill(up);
		await expectConverged("--refresh");
	});
});

describe.skipIf(noEngine)("what is slower than the drain limit", () => {
	test("is cut at the limit, and the rollout goes on; what is quicker is not", async () => {
		lab.configure({ WAS_VERSION: version(), SHUTDOWN: "immediate" }, { rollout: { drainLimitSeconds: 10 } });
		await lab.converge();
		const ask = async (ms: number) => (await fetch(`${lab.endpoint}/slow?ms=${ms}`, { method: "POST" })).status;
		// One at each node, as NGINX chooses the node with the fewest connections.
		const tooLong = Promise.all([60_000, 60_000, 60_000].map(ask));
		generation++;
		lab.configure({ WAS_VERSION: version(), SHUTDOWN: "immediate" }, { rollout: { drainLimitSeconds: 10 } });
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 5000 });
		await lab.converge();
		await load.stop();
		expectNoLoss(load);
		// The first node is due within seconds; the last one may be due when its request has ended by itself.
		expect((await tooLong).filter((status) => status === 502).length).toBeGreaterThan(0);
		await lab.expectVersion(version());
	});

	test("a planned reboot drains the node first: the application's shutdown hook runs, and no request fails", async () => {
		const rebooted = newVersion("rebooted");
		lab.configure({ WAS_VERSION: rebooted });
		await lab.converge();
		const bootId = await lab.on("worker1", "cat /proc/sys/kernel/random/boot_id");
		const since = async () => {
			await closeConnections();
			return lab.on("worker1", "cat /proc/sys/kernel/random/boot_id").catch(() => bootId);
		};
		await lab.underLoad(
			async (watch) => {
				await lab.on("worker1", "systemd-run -q --on-active=1 systemctl reboot");
				await expect.poll(since, { timeout: 6 * minutes, interval: 5000 }).not.toBe(bootId);
				const serves = async () => (await lab.containerOn("worker1").catch(() => "")) !== "" && !watch.closedNow().includes("worker1");
				await expect.poll(serves, { timeout: 6 * minutes, interval: 2000 }).toBe(true);
			},
			{ maxDelayMs: 2000 },
		);
		expect((await lab.events(rebooted)).worker1).toEqual(["start", "stopping", "stop", "start"]);
		await lab.expectNothingDrained();
	});
});
