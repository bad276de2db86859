import * as fs from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { signalMachine } from "../support/lab.ts";
import { apps, expectNoLoss, RolloutLab } from "../support/rollout.ts";
import { changesOf } from "../support/stack.ts";

/* What takes another one's place: a machine that is gone with its disk, a node at another address, and the registry that images come from. */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const key = "swarm-scaleout:hosts";
const original = lab.stack.config[key] as { name: string; address: string }[];

beforeEach(() => lab.configure());
afterAll(closeConnections);

const load = () => new Load({ url: lab.endpoint, clients: 3, keepAlive: false, maxDelayMs: 500 });

describe.skipIf(noEngine)("a worker", () => {
	test("lost for ever, disk and all, is recreated by up --refresh; the others serve, and its old node is in no list", async () => {
		signalMachine("worker2", "SIGKILL");
		fs.rmSync(".lab/test/worker2", { recursive: true });
		await closeConnections();
		// What was in flight on it is lost with it.
		await pause(10_000);
		const during = load();
		await lab.converge("--refresh").finally(() => during.stop());
		expectNoLoss(during);
		expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
		await lab.expectVersion("1");
		await lab.expectUnchanged("--refresh");
	});

	test("that gets another address drains, joins by the new one, and is in the upstream by it; no request fails", async () => {
		for (const address of ["192.168.3.7", "192.168.3.5"]) {
			lab.stack.config[key] = original.map((host) => (host.name === "worker2" ? { ...host, address } : host));
			expect(changesOf(await lab.stack.preview())).toContain("replace worker2");
			const during = load();
			await lab.converge().finally(() => during.stop());
			expectNoLoss(during);
			expect(await lab.upstream()).toEqual(["192.168.2.137", "192.168.2.142", address]);
			expect(await lab.on("manager", "docker node inspect worker2 -f '{{.Status.Addr}}'")).toBe(`${address}\n`);
			expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
			await lab.expectVersion("1");
			await lab.expectUnchanged();
		}
	});
});

describe.skipIf(noEngine)("the only manager", () => {
	test("at another address is another swarm: the preview says so, and up makes it with everything in it", async () => {
		for (const address of ["192.168.2.139", "192.168.2.137"]) {
			lab.stack.config[key] = original.map((host) => (host.name === "manager" ? { ...host, address } : host));
			const changes = changesOf(await lab.stack.preview());
			expect(changes).toEqual(expect.arrayContaining(["replace swarm", "replace manager", "replace worker1", "replace worker2"]));
			const before = await lab.on("manager", "docker info -f '{{.Swarm.Cluster.ID}}'");
			await lab.converge();
			expect(await lab.on("manager", "docker info -f '{{.Swarm.Cluster.ID}}'")).not.toBe(before);
			expect(await lab.on("manager", "docker node inspect manager -f '{{.Status.Addr}}'")).toBe(`${address}\n`);
			expect(await lab.upstream()).toEqual([address, "192.168.2.142", "192.168.3.5"]);
			expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
			await lab.expectVersion("1");
			await lab.expectUnchanged("--refresh");
		}
	});
});

describe.skipIf(noEngine)("a swarm that its only manager has left by hand", () => {
	test("is recreated by up --refresh with everything in it: its workers leave it first, which cannot reach it any more", async () => {
		await lab.on("manager", "docker swarm leave --force");
		const { output } = await lab.stack.previewText("--refresh");
		expect(output).toMatch(/\+ .*SwarmCluster/);
		await lab.converge("--refresh");
		expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
		await lab.expectVersion("1");
		await lab.expectUnchanged("--refresh");
	});
});

describe.skipIf(noEngine)("a registry that is down", () => {
	test("fails up before anything is rolled, and no request; when it is back, the next one converges", async () => {
		const { image } = lab.stack.service;
		lab.stack.buildWith({ WAS_VERSION: "after-the-registry" });
		const service = () =>
			lab.on("manager", "docker service inspect -f '{{.Version.Index}} {{.Spec.TaskTemplate.ContainerSpec.Image}}' babble-was");
		const before = await service();
		const during = load();
		await lab.on("log", "systemctl stop docker-registry");
		try {
			const { code, output } = await lab.stack.up();
			expect(code).not.toBe(0);
			expect(output).toMatch(/192\.168\.1\.20:5000.*(connection refused|connect)/);
		} finally {
			await lab.on("log", "systemctl start docker-registry");
		}
		await during.stop();
		expectNoLoss(during);
		expect(await service()).toBe(before);
		await lab.converge();
		expect(await service()).not.toBe(before);
		lab.stack.service.image = image;
		await lab.converge();
	});
});
