import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load, problemOf } from "../bench/load.ts";
import { addresses, apps, expectOneAtATime, newVersion, RolloutLab } from "../support/rollout.ts";

/*
 * What a task is started with changes: where it says that it is healthy, by which port it is reached, by which signal it stops. Old and new tasks
 * differ in it, and neither may be judged by what is the other's. Each test begins with tasks of the lab's own configuration.
 */

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);

/** Brings up a version that is not to be followed by its own kind: what fails then is seen within half a minute. */
const impatient = { deadlineSeconds: 20, intervalSeconds: 3, retries: 2 };

/** Asks for a version that cannot serve, under load. Nothing goes past the first node, the old version is back, and no request fails. */
async function expectTakenBack(good: string, env: Record<string, string>, health: object = {}): Promise<void> {
	const before = (await lab.tasks()).trim().split("\n");
	lab.configure({ WAS_VERSION: newVersion("bad"), ...env }, { health: { ...lab.health, ...impatient, ...health } });
	const { watched, result } = await lab.underLoad(() => lab.stack.up());
	const { code, output } = result;
	expect(code, output).not.toBe(0);
	expect(output).toMatch(/unhealthy/);
	expect(output).toMatch(/the old one is back on all nodes/);
	expect(watched.closed, "nodes it came to").toHaveLength(1);
	const after = (await lab.tasks()).trim().split("\n");
	expect(
		after.filter((id) => before.includes(id)),
		"tasks that were left alone",
	).toHaveLength(2);
	await lab.expectVersion(good);
	await lab.expectNothingDrained();
}

describe.skipIf(noEngine)("a health path that changes", () => {
	const old = newVersion("old-path");

	beforeAll(async () => {
		lab.configure({ WAS_VERSION: old });
		await lab.converge();
	});

	test("to one that the old tasks do not answer: they go on serving until their turn comes", async () => {
		const moved = newVersion("new-path");
		const { watched } = await lab.underLoad(async () => {
			lab.configure({ WAS_VERSION: moved, HEALTH_PATH: "/healthz" }, { health: { ...lab.health, path: "/healthz" } });
			await lab.converge();
		});
		expect(watched.closed).toEqual(apps);
		await lab.expectVersion(moved);
		await lab.expectNothingDrained();
		await lab.expectUnchanged();
	});

	test("to one that nothing answers: it is taken back, and what served before serves", async () => {
		lab.configure({ WAS_VERSION: old });
		await lab.converge();
		await expectTakenBack(old, {}, { path: "/healthy" });
		lab.configure({ WAS_VERSION: old });
		await lab.expectUnchanged();
	});
});

describe.skipIf(noEngine)("a version that a lax check would let pass", () => {
	const good = newVersion("strict");

	beforeAll(async () => {
		lab.configure({ WAS_VERSION: good });
		await lab.converge();
	});

	test.each([
		["answers its health path with a redirect to a page that is well", { HEALTH_MODE: "redirect" }],
		["listens in its own container only", { LISTEN: "127.0.0.1" }],
	])("is taken back at the first node: one that %s", async (_name, env) => {
		await expectTakenBack(good, env as unknown as Record<string, string>);
		lab.configure({ WAS_VERSION: good });
		await lab.expectUnchanged();
	});
});

describe.skipIf(noEngine)("a published port that changes", () => {
	test("is announced as an interruption; what fails meanwhile was never begun, nothing is run twice, and then all nodes serve", async () => {
		lab.configure();
		await lab.converge();
		for (const published of [8081, 8080]) {
			const version = newVersion(`port-${published}`);
			lab.configure({ WAS_VERSION: version }, { publish: { mode: "host", target: 8080, published } });
			expect((await lab.stack.previewText()).output).toMatch(/interrupt|requests (may |will )?fail/i);
			// Without keep-alive, as NGINX's reload ends kept connections.
			const load = new Load({ url: lab.endpoint, clients: 4, keepAlive: false, maxDelayMs: 1500 });
			const watch = lab.watch(addresses, [8080, 8081]);
			await lab.converge().finally(() => load.stop());
			expectOneAtATime(await watch.stop());
			const failed = load.samples.filter(({ status }) => status !== 200);
			process.stderr.write(
				`${failed.length} of ${load.samples.length} requests failed: ${[...new Set(failed.map(problemOf))].join(", ")}\n`,
			);
			expect(await lab.cutOff(load), "requests that were begun and not answered").toEqual([]);
			await lab.expectOnce(load);
			await lab.expectVersion(version);
			await lab.expectNothingDrained();
			await lab.expectUnchanged();
		}
	});
});

describe.skipIf(noEngine)("an image that brings its own stop signal", () => {
	const { image } = lab.stack.service;

	afterAll(() => {
		lab.stack.service.image = image;
	});

	/** How each node's last task that was told to end did so. */
	const exits = async (version: string) => {
		const tasks = "docker service ps babble-was --filter desired-state=shutdown -q --no-trunc";
		const format = "{{.Status.Timestamp}} {{.Status.ContainerStatus.ExitCode}} {{.Spec.ContainerSpec.Env}}";
		const lines = (await lab.on("manager", `${tasks} | xargs docker inspect --format '${format}'`)).trim().split("\n");
		return lines
			.filter((line) => line.includes(`WAS_VERSION=${version} `) || line.includes(`WAS_VERSION=${version}]`))
			.map((line) => / (\d+) \[/.exec(line)?.[1]);
	};

	test("is stopped by it, ends in its own way, and loses no request", async () => {
		const [first, second] = [newVersion("by-sigint"), newVersion("after-sigint")];
		lab.stack.buildWith({ STOP_SIGNAL: "SIGINT" });
		lab.configure({ WAS_VERSION: first });
		await lab.converge();
		await lab.underLoad(async () => {
			lab.configure({ WAS_VERSION: second });
			await lab.converge();
		});
		// 128 and the number of the signal: Java's way to say what ended it.
		expect(await exits(first)).toEqual(["130", "130", "130"]);
		const ended = ["start", "stopping", "stop"];
		expect(await lab.events(first)).toEqual({ manager: ended, worker1: ended, worker2: ended });
		lab.stack.service.image = image;
		lab.configure();
		await lab.converge();
		expect(await exits(second)).toEqual(["130", "130", "130"]);
		await lab.expectUnchanged();
	});
});
