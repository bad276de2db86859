import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { Load, runTwice } from "../bench/load.ts";
import { type Account, account } from "../standin/account.ts";
import { type Emulator, startEmulator } from "../standin/emulator.ts";
import { withMachines } from "../standin/install.ts";
import { clearMachines, deleteMachine } from "../standin/machines.ts";
import { prodStack } from "../standin/stacks.ts";
import { describeLab, type Lab, labEnvironment } from "../support/lab.ts";
import { expectNoLoss } from "../support/rollout.ts";
import { changesOf, projectDirectory, type Result, type TestStack } from "../support/stack.ts";

/**
 * The prod stack from nothing to nothing: its resources at an emulator of the AWS API, its instances local machines. The image is the example's,
 * built and served here, as no registry of the world is asked; everything else is Pulumi.prod.yaml.
 */
const missing = inject("missingStandin");
const directory = path.join(projectDirectory, ".lab", "prod-test");
const machines = path.join(directory, "machines");
const apps = ["manager", "worker1", "worker2"];

describe.skipIf(missing)(`the prod stack on emulated EC2${missing ? ` (skipped: ${missing})` : ""}`, () => {
	let emulator: Emulator;
	let stack: TestStack;
	let there: Account;
	let made: Lab;

	const on = (name: string, script: string) => execAsRoot(made.connections[name] as Connection, script);
	const succeeded = async (step: Promise<Result>) => {
		const { code, output } = await step;
		expect(code, output).toBe(0);
		return output;
	};
	const expectUnchanged = async (...args: string[]) => expect(await succeeded(stack.up(...args))).toMatch(/Resources:\s+\d+ unchanged\s/);

	beforeAll(async () => {
		// The emulator has forgotten what an interrupted run made.
		await clearMachines(machines);
		fs.rmSync(directory, { recursive: true, force: true });
		emulator = await startEmulator();
		there = account(emulator, "ap-northeast-2");
		stack = prodStack(path.join(directory, "stack"), { ...emulator.env, ...withMachines(machines) }, (config) => {
			config.hosts.find(({ name }: { name: string }) => name === "log").roles.push("registry");
			config.aws.logVolumeGiB = 4;
			const service = config.services["babble-was"];
			service.image.build = {
				context: "cache:example",
				baseArchive: "cache:java",
				args: { BASE_IMAGE: "babble/java:17", WAS_VERSION: "1" },
			};
			service.env.LOG_FILE = "/was-logs/{{.Node.Hostname}}.log";
			// Under software emulation a health check may take seconds.
			service.health = { intervalSeconds: 15, timeoutSeconds: 30, retries: 10 };
		});
		await stack.init();
		await succeeded(stack.up());
		made = await describeLab(stack);
	});

	afterAll(async () => {
		await closeConnections();
		await clearMachines(machines);
		await emulator?.stop();
	});

	test("serves through the Elastic IP, from all three nodes", async () => {
		const { Addresses = [] } = await there.ec2.describeAddresses();
		expect(Addresses.map(({ PublicIp }) => `http://${PublicIp}`)).toContain(made.endpoint);
		await expect.poll(answering, { timeout: 60_000 }).toEqual(apps);
	});

	/** The nodes that answer, in order of their names. */
	async function answering(): Promise<string[]> {
		const hosts = new Set<string>();
		for (let i = 0; i < 12; i++) hosts.add(((await (await fetch(`${made.endpoint}/hello`)).json()) as { host: string }).host);
		return [...hosts].sort();
	}

	/** After an instance was recreated. */
	async function expectAllServing(): Promise<void> {
		made = await describeLab(stack);
		await expect.poll(answering, { timeout: 120_000, interval: 2000 }).toEqual(apps);
		const nodes = await on("manager", "docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}}'");
		expect(nodes.trim().split("\n").sort()).toEqual(apps.map((name) => `${name} Ready Active`));
	}

	test("logs in as the image's user, to private hosts through the NGINX host, each with its pinned key", () => {
		const { nginx, ...others } = made.connections;
		expect(nginx).toMatchObject({ user: "ubuntu", host: new URL(made.endpoint).hostname });
		expect(nginx).not.toHaveProperty("proxy");
		expect(Object.keys(others).sort()).toEqual(["log", ...apps]);
		for (const connection of Object.values(others)) expect(connection).toMatchObject({ user: "ubuntu", proxy: nginx });
		expect(new Set(Object.values(made.connections).map(({ hostKey }) => hostKey)).size).toBe(5);
	});

	test("starts instances that demand IMDSv2 and keep encrypted volumes, at their configured addresses", async () => {
		const running = await there.running();
		expect(running.map(({ PrivateIpAddress }) => PrivateIpAddress).sort()).toEqual([
			"192.168.0.10",
			"192.168.1.20",
			"192.168.2.137",
			"192.168.2.142",
			"192.168.3.5",
		]);
		for (const { MetadataOptions } of running) expect(MetadataOptions).toMatchObject({ HttpTokens: "required" });
		const { Volumes = [] } = await there.ec2.describeVolumes();
		expect(Volumes).toHaveLength(6);
		for (const { Encrypted } of Volumes) expect(Encrypted).toBe(true);
	});

	test("collects the logs on the data volume", async () => {
		const id = `probe-${Date.now()}`;
		const { host } = (await (await fetch(`${made.endpoint}/logged?id=${id}`)).json()) as { host: string };
		await expect.poll(() => on("log", `cat /mnt/main-was-logs/${host}.log`), { timeout: 60_000, interval: 2000 }).toContain(id);
		const device = (await on("log", "findmnt -n -o SOURCE --target /mnt/main-was-logs")).trim();
		expect(await on("log", `find -L /dev/disk/by-id -samefile ${device}`)).toMatch(/vol[0-9a-f]{17}/);
	});

	test("keeps no secret in its state", () => {
		const state = stack.stateFiles();
		for (const secret of [...Object.values(labEnvironment), "PRIVATE KEY"]) expect(state).not.toContain(secret);
	});

	test("is unchanged at a second up", async () => {
		await expectUnchanged();
	});

	test("previews another instance type of a worker as the replacement of its instance and node, and of no other", async () => {
		const hosts = stack.config["swarm-scaleout:hosts"] as { name: string; instanceType?: string }[];
		Object.assign(hosts.find(({ name }) => name === "worker2") ?? {}, { instanceType: "t3.medium" });
		const steps = await stack.preview();
		const typed = steps
			.filter(({ op }) => op === "replace")
			.map(({ urn }) => `${urn.split("::")[2]?.split("$").at(-1)?.split(":").at(-1)} ${urn.split("::").at(-1)}`);
		expect(typed).toEqual(expect.arrayContaining(["Instance hosts-worker2", "SwarmNode swarm-worker2"]));
		expect(typed.filter((what) => /^(Instance|SwarmNode|Volume|Service) /.test(what)).sort()).toEqual([
			"Instance hosts-worker2",
			"SwarmNode swarm-worker2",
		]);
		expect(changesOf(steps).some((change) => /^(delete|replace) (hosts|swarm)-(manager|worker1|log|nginx)$/.test(change))).toBe(false);
	});

	test("replaces the worker without a failed request, and it serves again", async () => {
		const before = (await there.running()).map(({ InstanceId }) => InstanceId);
		const load = new Load({ url: made.endpoint, clients: 2, keepAlive: true, maxDelayMs: 800 });
		await succeeded(stack.up()).finally(() => load.stop());
		const after = await there.running();
		const fresh = after.filter(({ InstanceId }) => !before.includes(InstanceId));
		expect(fresh).toMatchObject([{ InstanceType: "t3.medium", PrivateIpAddress: "192.168.3.5" }]);
		expect(after).toHaveLength(5);
		await expectAllServing();
		expectNoLoss(load);
		// NFS clients write back within half a minute.
		await sleep(35_000);
		const logs = await on("log", "cat /mnt/main-was-logs/*.log");
		expect(runTwice(load.samples, logs)).toBe(0);
	});

	/** As someone may do by hand. */
	async function terminate(address: string): Promise<void> {
		const lost = (await there.running()).find(({ PrivateIpAddress }) => PrivateIpAddress === address);
		const id = lost?.InstanceId as string;
		await there.ec2.terminateInstances({ InstanceIds: [id] });
		await deleteMachine(machines, id);
		// AWS frees the addresses of a terminated instance; the emulator does not.
		const { Addresses = [] } = await there.ec2.describeAddresses({ Filters: [{ Name: "instance-id", Values: [id] }] });
		for (const { AssociationId } of Addresses) await there.ec2.disassociateAddress({ AssociationId });
		await closeConnections();
	}

	test("recreates a worker that someone terminated at up --refresh, with all that is on it; the others serve", async () => {
		await terminate("192.168.2.142");
		// What was in flight on it is lost with it.
		await sleep(10_000);
		const { output } = await stack.previewText("--refresh");
		expect(output).toMatch(/\+ aws:ec2\/instance:Instance: \(create\)[\s\S]*worker1/);
		expect(output).toMatch(/hosts\[\d\]: the machine is recreated: every step on it runs again/);
		const load = new Load({ url: made.endpoint, clients: 2, keepAlive: false, maxDelayMs: 800 });
		await succeeded(stack.up("--refresh")).finally(() => load.stop());
		expectNoLoss(load);
		await expectAllServing();
		await expectUnchanged("--refresh");
	});

	test("recreates the host of the logs, which is that of the registry, too: the logs are on its volume, and the image is in it", async () => {
		const logged = await on("log", "cat /mnt/main-was-logs/*.log | wc -c");
		await terminate("192.168.1.20");
		await succeeded(stack.up("--refresh"));
		await expectAllServing();
		expect(Number(await on("log", "cat /mnt/main-was-logs/*.log | wc -c"))).toBeGreaterThanOrEqual(Number(logged));
		const image = (await on("manager", "docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' babble-was")).trim();
		const digest = image.split(":").at(-1) as string;
		expect(await on("log", "find /var/lib/docker-registry -path '*_manifests/revisions*' -type d")).toContain(digest);
		await expectUnchanged("--refresh");
	});

	test("recreates the host of NGINX, through which all others are reached, behind the same address", async () => {
		await terminate("192.168.0.10");
		const { endpoint } = made;
		await succeeded(stack.up("--refresh"));
		await expectAllServing();
		expect(made.endpoint).toBe(endpoint);
		await expectUnchanged("--refresh");
	});

	test("recreates the only manager, and with it the swarm and all that was in it", async () => {
		await terminate("192.168.2.137");
		await succeeded(stack.up("--refresh"));
		await expectAllServing();
		await expectUnchanged("--refresh");
	});

	test("is destroyed to an empty account, but for the volume of the logs, and no machine runs, though one was terminated by hand", async () => {
		await terminate("192.168.3.5");
		await succeeded(stack.destroy());
		expect((await there.leftovers()).map((line) => line.split("-")[0])).toEqual(["volume vol"]);
		expect(fs.readdirSync(machines).filter((name) => name.startsWith("i-"))).toEqual([]);
	});
});
