import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { isRunning } from "../../providers/machine/qemu.ts";
import { Load } from "../bench/load.ts";
import { apps, expectNoLoss, RolloutLab } from "../support/rollout.ts";
import { changesOf } from "../support/stack.ts";

/*
 * An app node more, and one less, by configuration alone, under load. Each test begins where the one before ended. The clients do not keep their
 * connections: NGINX is reloaded, and then one that is kept may have to be reopened.
 */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const key = "swarm-scaleout:hosts";
const original = lab.stack.config[key] as object[];
// The last in the list: with it no other machine's place changes.
const added = { name: "worker3", roles: ["worker", "app"], address: "192.168.3.6" };
const addresses = ["192.168.2.137", "192.168.2.142", "192.168.3.5"];

/** Brings the configuration about under load, and returns what the preview announced. */
async function scale(hosts: object[], replicas: number): Promise<string[]> {
	lab.stack.config[key] = hosts;
	lab.configure({}, { replicas });
	const changes = changesOf(await lab.stack.preview());
	const load = new Load({ url: lab.endpoint, clients: 4, keepAlive: false, maxDelayMs: 1500 });
	await lab.converge().finally(() => load.stop());
	expectNoLoss(load);
	await lab.expectUnchanged();
	return changes;
}

/** The hosts that answer. */
async function answering(): Promise<string[]> {
	const hosts = new Set<string>();
	for (let i = 0; i < 16; i++) hosts.add(((await (await fetch(`${lab.endpoint}/hello`)).json()) as { host: string }).host);
	return [...hosts].sort();
}

afterAll(closeConnections);

describe.skipIf(noEngine)("app nodes", () => {
	test("one more that does not reach a manager's port: up says which one, and the node is in no swarm", async () => {
		lab.stack.config[key] = [...original, added];
		lab.configure({}, { replicas: 4 });
		const rule = "INPUT -s 192.168.3.6 -p tcp --dport 2377 -j REJECT";
		await lab.on("manager", `iptables -I ${rule}`);
		try {
			const { code, output } = await lab.stack.up();
			expect(code).not.toBe(0);
			expect(output).toMatch(/hosts, address of worker3: it cannot join the swarm, .* does not reach 2377\/tcp of 192\.168\.2\.137: let /);
		} finally {
			await lab.on("manager", `iptables -D ${rule}`);
		}
		expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
		expect(await answering()).toEqual(apps);
	});

	test("one more: it is made, joins and serves before it enters the upstream, and no request fails", async () => {
		const changes = await scale([...original, added], 4);
		expect(changes).toContain("create worker3");
		expect(changes.filter((change) => /^(delete|replace)/.test(change))).toEqual([]);
		expect(await lab.nodes()).toEqual([...apps, "worker3"].map((name) => `${name} Ready`));
		expect(await lab.upstream()).toEqual([...addresses, "192.168.3.6"]);
		expect(await answering()).toEqual([...apps, "worker3"]);
	});

	test("one less: it leaves upstream, swarm and this machine, and no request fails", async () => {
		const changes = await scale(original, 3);
		expect(changes).toContain("delete worker3");
		expect(changes.filter((change) => /^(create|replace)/.test(change))).toEqual([]);
		expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
		expect(await lab.upstream()).toEqual(addresses);
		expect(await answering()).toEqual(apps);
		expect(await isRunning(".lab/test/worker3")).toBe(false);
	});
});
