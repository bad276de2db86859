import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Hosts } from "../../../components/hosts.ts";
import { Swarm } from "../../../components/swarm.ts";
import { sourceOf } from "../../../settings.ts";
import { Recorder } from "../../support/mocks.ts";
import { configuration, type Raw, topology } from "../fixtures.ts";

/* The swarm with one manager and with several, against the mock runtime. */

let recorder: Recorder;
beforeEach(async () => {
	recorder = new Recorder();
	await recorder.start();
});
afterEach(() => pulumi.runtime.disconnect());

async function swarmOf(...managers: string[]): Promise<Swarm> {
	const config = topology(({ hosts }: Raw) => {
		for (const host of hosts) if (/manager|worker/.test(host.name)) host.roles[0] = managers.includes(host.name) ? "manager" : "worker";
	});
	const hosts = new Hosts("hosts", { source: sourceOf(configuration(config)) });
	const swarm = new Swarm("swarm", { ...config.swarm, hosts: hosts.all });
	await pulumi.runtime.disconnect();
	return swarm;
}

const cluster = () => recorder.find("swarm", ":SwarmCluster");
const node = (name: string) => recorder.find(`swarm-${name}`, ":SwarmNode");
const ports = (connections: { port: number }[]) => connections.map(({ port }) => port);

describe("a swarm of one manager", () => {
	test("ends with its machine and its address, and goes with the machine when that is deleted", async () => {
		await swarmOf("manager");
		expect(cluster().inputs).toMatchObject({ machineId: "id-of-hosts-manager", soleAddress: "192.168.2.137" });
		expect(cluster().deletedWith).toMatch(/Machine::hosts-manager$/);
	});
});

test("what runs in the swarm is not the swarm's: its nodes are given no labels", async () => {
	await swarmOf("manager");
	for (const { inputs } of recorder.ofType(":SwarmNode")) expect(inputs).not.toHaveProperty("labels");
	expect(recorder.ofType(":NodeLabel")).toEqual([]);
});

describe("a swarm of several managers", () => {
	test("is bound to none of their machines", async () => {
		await swarmOf("manager", "worker2");
		expect(cluster().inputs).not.toHaveProperty("machineId");
		expect(cluster().inputs).not.toHaveProperty("soleAddress");
		expect(cluster().deletedWith).toBe("");
	});

	test("is asked through each of them, by cluster and nodes", async () => {
		await swarmOf("manager", "worker2");
		for (const { inputs } of [cluster(), ...recorder.ofType(":SwarmNode")]) expect(ports(inputs.managers)).toEqual([2400, 2402]);
	});

	test("has its managers before its workers: who is promoted comes before who is demoted", async () => {
		const { members } = await swarmOf("worker1", "worker2");
		expect(members.map(({ host }) => host.name)).toEqual(["manager", "worker1", "worker2"]);
		for (const manager of ["worker1", "worker2"]) expect(recorder.isAfter(node("manager"), node(manager))).toBe(true);
		expect(cluster().inputs.advertiseAddress).toBe("192.168.2.142");
	});
});
