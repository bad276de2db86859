import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Load } from "../../bench/load.ts";
import { shellQuote } from "../../lib/connection.ts";
import { closeConnections } from "../../lib/ssh.ts";
import { signalMachine } from "../support/lab.ts";
import { expectNoLoss, RolloutLab } from "../support/rollout.ts";
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

const updateStatus = () =>
	lab.on(
		"manager",
		"docker service inspect babble-was --format '{{if .UpdateStatus}}{{.UpdateStatus.State}} {{.UpdateStatus.StartedAt}}{{end}}'",
	);
const newTasks = () =>
	lab.on("manager", `docker service ps babble-was --filter desired-state=running --format '{{.CurrentState}}' | cut -d' ' -f1`);

/** Begins `pulumi up` and returns once Swarm has begun to replace tasks. */
async function beginUp() {
	const before = await updateStatus();
	const up = lab.stack.beginUp();
	await expect.poll(updateStatus, { timeout: 3 * minutes, interval: 500 }).not.toBe(before);
	return up;
}

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
	["as a later node is taken out", async () => (await versionsInPlace()) >= 2],
];

/** On how many nodes the new version runs. */
async function versionsInPlace(): Promise<number> {
	const script = `docker service ps babble-was --filter desired-state=running -q --no-trunc | xargs docker inspect --format '{{.Status.State}} {{.Spec.ContainerSpec.Env}}'`;
	return (await lab.on("manager", script)).split("\n").filter((line) => line.startsWith("running") && line.includes(version())).length;
}

describe.skipIf(noEngine)("a rollout that is interrupted", () => {
	test.each(phases)(
		"by a killed CLI, %s: no request fails, Swarm finishes it, and the next up has nothing left to do",
		async (_name, reached) => {
			const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
			const up = await beginUp();
			await expect.poll(reached, { timeout: 5 * minutes, interval: 500 }).toBe(true);
			up.kill();
			await up.ended;
			await expect.poll(updateStatus, { timeout: 8 * minutes, interval: 3000 }).toMatch(/^completed/);
			await load.stop();
			expectNoLoss(load);
			await lab.stack.run("cancel", "--yes", "--stack", lab.stack.name);
			await expectConverged();
		},
	);

	test("by a second up: it is refused by the lock of the state, the first one goes on, and no request fails", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		const up = await beginUp();
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
		const up = await beginUp();
		// The sessions' own processes (the brackets keep the command from finding itself), and none can be opened for a while.
		const cut = "systemctl stop ssh; pkill -f 'sshd: [r]oot'; sleep 20; systemctl start ssh";
		await lab.on("manager", `systemd-run -q --on-active=1 bash -c ${shellQuote(cut)}`);
		await closeConnections();
		await expectEnded(up);
		await load.stop();
		expectNoLoss(load);
		await expectConverged();
	});

	test("by an agent that is killed: the rule goes with it, and the drain goes on", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		const up = await beginUp();
		for (const app of ["manager", "worker1", "worker2"]) await lab.on(app, "systemctl kill -s KILL scaleout-drain-babble-was");
		await expectEnded(up);
		await load.stop();
		await expectConverged();
	});

	test("by a reboot of the manager: the next up converges", async () => {
		const up = await beginUp();
		await lab.on("manager", "systemd-run --on-active=1 systemctl reboot --force --force").catch(() => {});
		await up.ended;
		await expectConverged("--refresh");
	});

	test("by the loss of a worker: the service serves, and the next up starts the machine again and converges", async () => {
		const up = await beginUp();
		signalMachine("worker2", "SIGKILL");
		for (let i = 0; i < 5; i++) expect((await fetch(`${lab.endpoint}/still`)).status).toBe(200);
		up.kill();
		await up.ended;
		await lab.stack.run("cancel", "--yes", "--stack", lab.stack.name);
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

	test("a planned reboot drains the node first: no request fails", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 2000 });
		await new Promise((resolve) => setTimeout(resolve, 5000));
		const bootId = await lab.on("worker1", "cat /proc/sys/kernel/random/boot_id");
		await lab.on("worker1", "systemd-run -q --on-active=1 systemctl reboot");
		const since = async () => {
			await closeConnections();
			return lab.on("worker1", "cat /proc/sys/kernel/random/boot_id").catch(() => bootId);
		};
		await expect.poll(since, { timeout: 6 * minutes, interval: 5000 }).not.toBe(bootId);
		await load.stop();
		expectNoLoss(load);
		generation--;
		await lab.expectNothingDrained();
	});
});
