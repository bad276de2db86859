import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { namespaceLacks } from "../../../support/namespace.ts";
import { isAtLeast, nginxVersion } from "../../../support/nginx.ts";
import { Asking, port, Scene } from "./site.ts";

/* Connections that a real NGINX keeps to the nodes, and what becomes of them when a node is taken out. */

const lacks = nginxVersion ? namespaceLacks() : "there is no nginx program on this machine";
const keeps = isAtLeast("1.19.10");
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let scene: Scene;

beforeEach((context) => context.skip(lacks !== undefined, lacks));
afterEach(() => scene?.close());

const opened = () => scene.nodes.reduce((sum, { connections }) => sum + connections, 0);

test("connections to the nodes are kept, and closed when none asks for a second", async (context) => {
	context.skip(!keeps, `nginx ${nginxVersion} keeps none`);
	scene = await Scene.make();
	for (let i = 0; i < 12; i++) expect((await scene.ask(i % 2 ? "POST" : "GET", "/", i % 2 ? "x" : undefined)).status).toBe(200);
	expect(opened()).toBe(3);
	await expect.poll(() => Promise.all(scene.nodes.map((node) => node.open())), { timeout: 2500 }).toEqual([0, 0, 0]);
});

test("with keepalive 0 none is kept", async () => {
	scene = await Scene.make({ keepalive: 0 });
	for (let i = 0; i < 12; i++) await scene.ask("GET", "/");
	expect(opened()).toBe(12);
});

describe("a node that refuses new connections under load has none left after a few seconds, and no request fails", () => {
	test.each([
		["kept", {}],
		["none kept", { keepalive: 0 }],
	])("%s; its application dies then, and comes back", async (_kept, change) => {
		scene = await Scene.make(change);
		const [node] = scene.nodes as [(typeof scene.nodes)[number]];
		const asking = new Asking(scene, { clients: 12, query: "?ms=40" });
		for (let round = 0; round < 2; round++) {
			const before = node.requests;
			await expect.poll(() => node.requests, { timeout: 20_000 }).toBeGreaterThan(before + 10);
			scene.refuse(0);
			const began = Date.now();
			await expect.poll(() => node.open(), { timeout: 10_000, interval: 20 }).toBe(0);
			await node.close();
			// 2 s for which a connection is used, and 1 s that it may then lie idle; on an idle machine. Without an end it would be for ever.
			expect(Date.now() - began).toBeLessThan(8000);
			await asking.answers(20);
			await node.listen();
			scene.admit(0);
		}
		await asking.answers(20);
		await asking.stop();
		expect(asking.failed).toEqual([]);
		for (const { began } of scene.nodes) expect(new Set(began).size).toBe(began.length);
	});
});

test("an application that ends connections after 2 idle seconds is never the first to: no POST meets its end", async () => {
	scene = await Scene.make({}, { idleMs: 2000 });
	const asked = [700, 1500, 1900].map((pauseMs) => new Asking(scene, { clients: 3, methods: ["POST"], pauseMs }));
	await sleep(6000);
	for (const asking of asked) await asking.stop();
	await sleep(2500);
	expect(asked.flatMap(({ failed }) => failed)).toEqual([]);
	expect(scene.nodes.map(({ ended }) => ended)).toEqual([0, 0, 0]);
});

describe("local ports: sixty of them, and more requests than that in the minute for which a port is not used again", () => {
	const load = async (change: Record<string, unknown>) => {
		scene = await Scene.make(change, { nodes: 1 });
		scene.namespace.exec("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40059");
		const asking = new Asking(scene, { clients: 4 });
		await asking.answers(150);
		await asking.stop();
		return asking.failed;
	};

	test("are enough where connections are kept", async (context) => {
		context.skip(!keeps, `nginx ${nginxVersion} keeps none`);
		expect(await load({})).toEqual([]);
	});

	test("run out where none is: 502", async () => {
		const failed = await load({ keepalive: 0 });
		expect(failed.length).toBeGreaterThan(50);
		expect(failed.every((said) => said.endsWith("HTTP 502"))).toBe(true);
	});
});

test("on an app node: local requests to its own published port are refused while it is closed, and go to another node", async () => {
	// The node's own address leads to a container, by Docker's rule for what comes from the node itself.
	scene = await Scene.make({}, { nodes: 2, servers: ({ namespace }) => [namespace.address, namespace.outside[1] as string] });
	const { address, outside } = scene.namespace;
	const iptables = (...rule: string[]) => scene.namespace.exec("iptables", ...rule);
	iptables("-t", "nat", "-A", "OUTPUT", "-d", address, "-p", "tcp", "--dport", `${port}`, "-j", "DNAT", "--to", `${outside[0]}:${port}`);
	const [local, other] = scene.nodes as [(typeof scene.nodes)[number], (typeof scene.nodes)[number]];
	const asking = new Asking(scene, { clients: 6, query: "?ms=20" });
	await expect.poll(() => local.requests).toBeGreaterThan(5);
	// The drain agent's gate.
	iptables("-N", `SCALEOUT-DRAIN-${port}`);
	// biome-ignore format: one rule
	iptables("-A", `SCALEOUT-DRAIN-${port}`, "-p", "tcp", "-m", "conntrack", "--ctstate", "NEW", "-m", "conntrack", "--ctstate", "DNAT", "--ctorigdstport", `${port}`, "-j", "REJECT", "--reject-with", "tcp-reset");
	iptables("-I", "OUTPUT", "-j", `SCALEOUT-DRAIN-${port}`);
	await expect.poll(() => local.open(), { timeout: 5000, interval: 5 }).toBe(0);
	await local.close();
	const before = other.requests;
	await asking.answers(20);
	await asking.stop();
	expect(asking.failed).toEqual([]);
	expect(other.requests).toBeGreaterThan(before);
});
