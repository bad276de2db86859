import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { signalMachine } from "../support/lab.ts";
import { expectNoLoss, RolloutLab } from "../support/rollout.ts";
import { statusOf } from "../support/status.ts";

/* What goes wrong on one host while the service runs, and the state file that is older than what it describes. */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const minutes = 60_000;

afterAll(closeConnections);

let generation = 0;
const version = () => `host-fault-${generation}`;
beforeEach(() => {
	generation++;
	lab.configure();
});

const load = () => new Load({ url: lab.endpoint, clients: 3, keepAlive: false, maxDelayMs: 500 });
const bootId = (host: string) => lab.on(host, "cat /proc/sys/kernel/random/boot_id");
const status = () =>
	fetch(`${lab.endpoint}/hello`, { signal: AbortSignal.timeout(10_000) }).then(
		(answer) => answer.status,
		() => 0,
	);

/** Every line that the application acknowledged is in its log. */
async function expectWritten({ samples }: Load): Promise<void> {
	const acknowledged = samples.filter((sample) => sample.status === 200);
	expect(acknowledged.length).toBeGreaterThan(20);
	// NFS clients write back within half a minute.
	const missing = async () => {
		const log = await lab.on("log", "cat /mnt/main-was-logs/*.log");
		const ended = new Set([...log.matchAll(/ ([a-z0-9]{6}-\d+) 200 /g)].map(([, id]) => id));
		return acknowledged.filter(({ id }) => !ended.has(id)).map(({ id }) => id);
	};
	await expect.poll(missing, { timeout: 2 * minutes, interval: 10_000 }).toEqual([]);
}

describe.skipIf(noEngine)("a host", () => {
	test("that exports the logs, cut off and rebooted while the application writes: every line that was acknowledged is there", async () => {
		const writing = load();
		await sleep(10_000);
		const before = await bootId("log");
		await lab.on("log", "systemd-run -q --on-active=1 systemctl reboot --force --force");
		const since = async () => {
			await closeConnections();
			return bootId("log").catch(() => before);
		};
		await expect.poll(since, { timeout: 6 * minutes, interval: 5000 }).not.toBe(before);
		// Clients reclaim what they held in the grace time of 90 s; until then nobody writes.
		await expect.poll(status, { timeout: 5 * minutes, interval: 5000 }).toBe(200);
		await sleep(10_000);
		await writing.stop();
		await expectWritten(writing);
		await lab.converge("--refresh");
		await lab.expectUnchanged("--refresh");
	});

	test("that exports the logs, dead: up --refresh starts it, though every node's Docker waits for it; every line is there", async () => {
		const writing = load();
		await sleep(10_000);
		signalMachine("log", "SIGKILL");
		await sleep(minutes);
		const { code, report } = statusOf(lab.stack);
		expect(report.unreachable.map(({ host }) => host)).toEqual(["log"]);
		expect(report.problems).toContainEqual(expect.stringMatching(/^Docker on worker1 does not tell of its volumes/));
		expect(code).toBe(1);
		await lab.converge("--refresh");
		await expect.poll(status, { timeout: 5 * minutes, interval: 5000 }).toBe(200);
		await sleep(10_000);
		await writing.stop();
		await expectWritten(writing);
		await lab.expectUnchanged("--refresh");
	});

	test("whose NGINX is killed: systemd starts it again within seconds", async () => {
		await lab.on("nginx", "kill -KILL $(cat /run/nginx.pid)");
		await expect.poll(status, { timeout: 30_000, interval: 500 }).toBe(200);
		await lab.expectUnchanged("--refresh");
	});

	test("whose disk is full: up fails with the reason and no request fails; with room again, the next one converges", async () => {
		// Of free blocks those that are kept for root as well, because Docker is root: most at once, then until nothing can be written.
		await lab.on(
			"worker1",
			`
fallocate -l $(($(stat -f -c '%f * %S' /var/lib) - (32 << 20))) /var/lib/full
(dd if=/dev/zero bs=4k of=/var/lib/full-to-the-end 2>&1 || true) | grep -q 'No space left on device'`,
		);
		lab.configure({ WAS_VERSION: version() });
		const during = load();
		const { code, output } = await lab.stack.up();
		await during.stop();
		await lab.on("worker1", "rm /var/lib/full*");
		expect(code).not.toBe(0);
		expect(output).toMatch(/worker1: \w+: .*no space left on device/);
		expectNoLoss(during);
		await lab.converge();
		await lab.expectVersion(version());
		await lab.expectNothingDrained();
		await lab.expectUnchanged();
	});

	test("whose clock jumps: a refresh says so, and a rollout goes on all the same", async () => {
		await lab.on("worker2", "date -s '+2 hours'");
		const { output } = await lab.stack.previewText("--refresh");
		expect(output).toMatch(/hosts\[2\]: its clock is 7[12]\d\d s ahead of this machine's: let it be set by NTP/);
		lab.configure({ WAS_VERSION: version() });
		const during = load();
		await lab.converge().finally(() => during.stop());
		expectNoLoss(during);
		await lab.expectVersion(version());
		await lab.on("worker2", "date -s '-2 hours'");
		await lab.expectUnchanged("--refresh");
	});
});

describe.skipIf(noEngine)("the state, restored from a backup one deploy old", () => {
	const key = "swarm-scaleout:nginx";

	test("up finds what is deployed already: nothing is replaced, and then there is nothing to do", async () => {
		const backup = path.join(lab.stack.directory, "backup.json");
		await lab.converge();
		const { code, output } = await lab.stack.run("stack", "export", "--stack", lab.stack.name, "--file", backup);
		expect(code, output).toBe(0);
		lab.configure({ WAS_VERSION: version() });
		const original = lab.stack.config[key] as object;
		lab.stack.config[key] = { ...original, method: "random" };
		try {
			await lab.converge();
			const before = await lab.tasks();
			const restored = await lab.stack.run("stack", "import", "--stack", lab.stack.name, "--file", backup);
			expect(restored.code, restored.output).toBe(0);
			await lab.converge();
			expect(await lab.tasks()).toBe(before);
			await lab.expectVersion(version());
			await lab.expectUnchanged("--refresh");
		} finally {
			lab.stack.config[key] = original;
			fs.rmSync(backup, { force: true });
		}
		lab.configure();
		await lab.converge();
	});
});
