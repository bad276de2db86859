import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { signalMachine } from "../support/lab.ts";
import { hostsKey as key, type LabHost, Managers } from "../support/managers.ts";
import { apps, expectNoLoss, RolloutLab } from "../support/rollout.ts";

/* A swarm whose managers change: by configuration, and by the loss of the one that leads. Each test begins where the one before ended. */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const minutes = 60_000;
/** Hosts that are in the swarm only while they are managers. */
const spare = ["log", "nginx"];
const managers = new Managers(lab);

/**
 * Fails unless exactly these are managers that reach one another, no other host is in the swarm but the app nodes, and those serve. They may elect
 * another leader meanwhile.
 */
async function expectManagers(...names: string[]): Promise<void> {
	const seen = () => managers.nodes(names[0] as string).catch((error: Error) => ({ [error.message]: { state: "", manager: "" } }));
	const roles = async () =>
		Object.entries(await seen()).map(([name, { state, manager }]) => `${name} ${state} ${manager.replace("Leader", "Reachable")}`.trim());
	const nodes = [...new Set([...apps, ...names])].sort();
	const expected = nodes.map((name) => `${name} Ready Active ${names.includes(name) ? "Reachable" : ""}`.trim());
	await expect.poll(async () => (await roles()).sort(), { timeout: minutes, interval: 2000 }).toEqual(expected);
	// A node that is back starts its task after that.
	const served = () =>
		lab.expectVersion("1").then(
			() => "by all",
			(error: Error) => error.message,
		);
	await expect.poll(served, { timeout: 4 * minutes, interval: 3000 }).toBe("by all");
}

/** Brings the managers of the configuration about under load: no request may fail, and no app node may be recreated. */
async function changeManagers(...names: string[]): Promise<void> {
	managers.configure(...names);
	const recreated = (await lab.stack.preview()).filter(
		({ op, urn }) =>
			/create|replace|delete/.test(op) &&
			/:(Machine|SwarmCluster|SwarmNode|Service)::/.test(urn) &&
			!spare.some((name) => urn.endsWith(`:SwarmNode::swarm-${name}`)),
	);
	expect(recreated.map(({ op, urn }) => `${op} ${urn}`)).toEqual([]);
	const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
	await lab.converge().finally(() => load.stop());
	expectNoLoss(load);
	await expectManagers(...names);
	await lab.expectUnchanged();
}

function docker(action: "start" | "stop", ...names: string[]): Promise<string[]> {
	return Promise.all(names.map((name) => lab.on(name, `systemctl ${action} docker.socket docker`)));
}

afterAll(closeConnections);

describe("the only manager", () => {
	test("may stand still for longer than Swarm's own patience: no task is restarted, no request fails", async () => {
		const before = await lab.tasks();
		signalMachine("manager", "SIGSTOP");
		await sleep(25_000);
		signalMachine("manager", "SIGCONT");
		// Emulated clocks stand still meanwhile.
		await lab.on("manager", `date -s @${Math.round(Date.now() / 1000)}`);
		for (let second = 0; second < 20; second++) {
			expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
			await sleep(1000);
		}
		expect(await lab.tasks()).toBe(before);
	});
});

describe.skipIf(noEngine)("managers", () => {
	test("become three of one by configuration: two workers are promoted in place, and no request fails", async () => {
		lab.configure();
		await changeManagers(...apps);
	});

	test("survive the loss of the one that leads: another leads, the service serves, and up --refresh brings it back", async () => {
		const leader = (await managers.leader("manager")) as string;
		const [other, third] = apps.filter((name) => name !== leader) as [string, string];
		signalMachine(leader, "SIGKILL");
		await expect
			.poll(() => managers.leader(other).catch(() => undefined), { timeout: 3 * minutes, interval: 2000 })
			.toEqual(expect.stringMatching(`^(${other}|${third})$`));
		for (let i = 0; i < 5; i++) expect((await fetch(`${lab.endpoint}/still`)).status).toBe(200);
		await closeConnections();
		await lab.converge("--refresh");
		await expectManagers(...apps);
		await lab.expectUnchanged("--refresh");
	});

	test("are not demoted where a majority would be out of reach; what is missing is named, and nothing is changed", async () => {
		const leader = (await managers.leader("manager")) as string;
		const [stopped, demoted] = apps.filter((name) => name !== leader) as [string, string];
		await docker("stop", stopped);
		await expect
			.poll(async () => (await managers.nodes(leader))[stopped]?.manager, { timeout: 3 * minutes, interval: 2000 })
			.toBe("Unreachable");
		// Both others go at once; the one that cannot be reached would be half of those that are left.
		managers.configure(leader);
		const { code, output } = await lab.stack.up();
		expect(code).not.toBe(0);
		expect(output).toContain(`roles of ${demoted}: it cannot cease to be a manager`);
		expect(output).toMatch(new RegExp(`1 of 2 would be reachable, no majority: bring ${stopped} back`));
		expect((await managers.nodes(leader))[demoted]?.manager).toBe("Reachable");
		await docker("start", stopped);
		managers.configure(...apps);
		await lab.converge("--refresh");
		await expectManagers(...apps);
	});

	test("one of three gets another address: it drains, leaves, and is a manager again by the new one; no request fails", async () => {
		for (const address of ["192.168.3.7", "192.168.3.5"]) {
			const hosts = lab.stack.config[key] as LabHost[];
			lab.stack.config[key] = hosts.map((host) => (host.name === "worker2" ? { ...host, address } : host));
			const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
			await lab.converge().finally(() => load.stop());
			expectNoLoss(load);
			expect(await lab.on("manager", "docker node inspect worker2 -f '{{.ManagerStatus.Addr}}'")).toBe(`${address}:2377\n`);
			await expectManagers(...apps);
		}
		await lab.expectUnchanged();
	});

	test("become five by two hosts that run no task; with two of them gone the swarm can be changed; they leave it again", async () => {
		await changeManagers(...apps, ...spare);
		await docker("stop", ...spare);
		const unreachable = async () =>
			Object.entries(await managers.nodes("manager"))
				.filter(([, { manager }]) => manager === "Unreachable")
				.map(([name]) => name)
				.sort();
		await expect.poll(unreachable, { timeout: 3 * minutes, interval: 2000 }).toEqual(spare);
		// Only with a majority is this taken.
		await lab.on("manager", "docker node update --label-add by=majority worker1 && docker node update --label-rm by worker1");
		await docker("start", ...spare);
		await expectManagers(...apps, ...spare);
		await changeManagers(...apps);
		for (const name of spare) expect(await lab.on(name, "docker info -f '{{.Swarm.LocalNodeState}}'")).toBe("inactive\n");
	});

	test("lose the one that leads by configuration: it goes on as a worker, another leads, and no request fails", async () => {
		const leader = (await managers.leader("manager")) as string;
		const others = apps.filter((name) => name !== leader);
		await changeManagers(...others);
		expect(others).toContain(await managers.leader(others[0] as string));
	});

	test("become one of two, the one of the beginning, by way of three", async () => {
		await changeManagers(...apps);
		await changeManagers("manager");
	});
});
