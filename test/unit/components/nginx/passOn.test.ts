import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { windowMs } from "../../../../components/balancer/nginx/passOn.ts";
import { namespaceLacks } from "../../../support/namespace.ts";
import { nginxVersion } from "../../../support/nginx.ts";
import { Asking, Scene } from "./site.ts";

/* Which requests a real NGINX gives to another node, seen from the nodes. */

const lacks = nginxVersion ? namespaceLacks() : "there is no nginx program on this machine";
const idempotent = ["GET", "PUT", "DELETE"];
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let scene: Scene;

beforeEach((context) => context.skip(lacks !== undefined, lacks));
afterEach(() => scene?.close());

describe("what was sent to a node is sent to no other", () => {
	test.each([...idempotent, "POST"])("%s that takes longer than readTimeoutSeconds: 504", async (method) => {
		scene = await Scene.make({ readTimeoutSeconds: 1 });
		expect((await scene.ask(method, "/slow?ms=3000")).status).toBe(504);
		expect(scene.times("/slow?ms=3000")).toBe(1);
	});

	test.each([...idempotent, "POST"])("%s of which the connection is cut, at a drain limit or by a crash: 502", async (method) => {
		scene = await Scene.make();
		const answer = scene.ask(method, "/cut?ms=30000", method === "PUT" ? "x" : undefined);
		await expect.poll(() => scene.times("/cut?ms=30000")).toBe(1);
		await sleep(4 * windowMs);
		await scene.nodes.find(({ requests }) => requests > 0)?.close();
		expect((await answer).status).toBe(502);
		expect(scene.times("/cut?ms=30000")).toBe(1);
	});

	test("also when it came there because another node did not answer, and that one is cut as well", async () => {
		scene = await Scene.make({ connectTimeoutSeconds: 1 }, { nodes: 3 });
		scene.lose(0);
		scene.refuse(1);
		const answer = scene.ask("PUT", "/cut?ms=30000", "x");
		await expect.poll(() => scene.times("/cut?ms=30000"), { timeout: 5000 }).toBe(1);
		await sleep(4 * windowMs);
		await scene.nodes[2]?.close();
		expect((await answer).status).toBe(502);
		expect(scene.times("/cut?ms=30000")).toBe(1);
	});

	test.each([
		["PUT with a body that comes in pieces, at once", "PUT", "x".repeat(300_000), 0],
		["GET, after the time that two nodes which do not answer take", "GET", undefined, 2600],
	] as const)("without requestBuffering: %s", async (_what, method, body, afterMs) => {
		scene = await Scene.make({ requestBuffering: false, connectTimeoutSeconds: 1 });
		const answer = scene.ask(method, "/cut?ms=30000", body);
		await expect.poll(() => scene.times("/cut?ms=30000")).toBe(1);
		await sleep(afterMs);
		await scene.nodes.find(({ requests }) => requests > 0)?.close();
		expect((await answer).status).toBe(502);
		expect(scene.times("/cut?ms=30000")).toBe(1);
	});
});

describe("what was not sent goes to another node", () => {
	const body = "x".repeat(300_000);

	test.each(["GET", "POST"])("%s, past a node that does not answer, after one connectTimeoutSeconds", async (method) => {
		scene = await Scene.make({ connectTimeoutSeconds: 1, method: "round_robin" });
		scene.lose(0);
		const took: number[] = [];
		for (let i = 0; i < 6; i++) {
			const began = Date.now();
			const { status, body: said } = await scene.ask(method, `/${i}`, method === "POST" ? body : undefined);
			expect(status).toBe(200);
			if (method === "POST") expect(JSON.parse(said)).toMatchObject({ method, length: body.length });
			expect(scene.times(`/${i}`)).toBe(1);
			took.push(Date.now() - began);
		}
		expect(Math.max(...took)).toBeGreaterThan(900);
		expect(Math.max(...took)).toBeLessThan(1900);
	});

	test.each([true, false])("past two nodes of three that do not answer (requestBuffering %s)", async (requestBuffering) => {
		scene = await Scene.make({ connectTimeoutSeconds: 1, requestBuffering });
		scene.lose(0);
		scene.lose(1);
		const asking = new Asking(scene, { clients: 4, methods: ["GET", "POST", "DELETE"] });
		await sleep(7000);
		await asking.stop();
		expect(asking.failed).toEqual([]);
		expect(new Set(scene.nodes[2]?.began).size).toBe(scene.nodes[2]?.began.length);
	});

	test("past one that does not answer, one that refuses, and one more of each", async () => {
		scene = await Scene.make({ connectTimeoutSeconds: 1, method: "random" }, { nodes: 5 });
		for (const node of [0, 2]) scene.lose(node);
		for (const node of [1, 4]) scene.refuse(node);
		const asking = new Asking(scene, { clients: 4 });
		await sleep(5000);
		await asking.stop();
		expect(asking.failed).toEqual([]);
	});

	test.each([2, 3])("to a node that serves, though NGINX has taken all of %d for failed", async (count) => {
		scene = await Scene.make({ readTimeoutSeconds: 1 }, { nodes: count });
		scene.refuse(0);
		const slow = Array.from({ length: 8 * count }, (_, i) => scene.ask("GET", `/slow?ms=3000&${i}`));
		await sleep(700);
		const asking = new Asking(scene, { clients: 4, methods: ["GET", "POST"] });
		await Promise.all(slow);
		await sleep(1000);
		await asking.stop();
		expect(asking.failed).toEqual([]);
	});

	test("a node is not passed over for one packet that is lost", async () => {
		scene = await Scene.make({}, { nodes: 2 });
		for (const node of [0, 1]) scene.lose(node);
		const began = Date.now();
		const answer = scene.ask("GET", "/");
		await sleep(500);
		for (const node of [0, 1]) scene.find(node);
		expect((await answer).status).toBe(200);
		expect(Date.now() - began).toBeLessThan(1000 * scene.config.connectTimeoutSeconds);
	});

	test("when no node takes it, it ends: 502 where all refuse, 504 or 502 where none answers", async () => {
		scene = await Scene.make({ connectTimeoutSeconds: 1 });
		for (const node of [0, 1, 2]) scene.refuse(node);
		expect((await scene.ask("GET", "/refused")).status).toBe(502);
		for (const node of [0, 1, 2]) scene.lose(node);
		const began = Date.now();
		expect((await scene.ask("POST", "/lost", body)).status).toBeGreaterThanOrEqual(502);
		expect(Date.now() - began).toBeLessThan(4500);
		expect(scene.nodes.map(({ requests }) => requests)).toEqual([0, 0, 0]);
	});
});

test("a 502 or 504 of the application itself is passed to the client as it is", async () => {
	scene = await Scene.make();
	for (const status of [502, 504, 503]) {
		const answer = await scene.ask("GET", `/own?status=${status}`);
		expect([answer.status, answer.headers["x-node"]]).toEqual([status, expect.any(String)]);
		expect(scene.times(`/own?status=${status}`)).toBe(1);
	}
});
