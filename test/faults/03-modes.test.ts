import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { expectNoLoss, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);

const taskIds = async () =>
	(await lab.on("manager", "docker service ps babble-was -q --filter desired-state=running")).trim().split("\n").sort();

describe.skipIf(noEngine)("on demand", () => {
	beforeEach(async () => {
		lab.configure({ WAS_VERSION: "good", SHUTDOWN: "immediate" });
		await lab.converge();
	});

	test("restart replaces all tasks, and loses no request", async () => {
		const before = await taskIds();
		lab.configure({ WAS_VERSION: "good", SHUTDOWN: "immediate" }, { restart: 1 });
		expect((await lab.stack.previewText()).output).toMatch(/restart replaces the tasks of babble-was: lossless rolling update/);
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await lab.converge();
		await load.stop();
		expectNoLoss(load);
		const after = await taskIds();
		expect(after).toHaveLength(3);
		expect(after.filter((id) => before.includes(id))).toEqual([]);
	});

	test("image.pin goes back to an older image, and loses no request", async () => {
		const { image } = lab.stack.service;
		const digest = async () => {
			const root = (await lab.stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack");
			return root?.outputs.services["babble-was"].image as string;
		};
		const older = await digest();
		lab.stack.buildWith({ WAS_VERSION: "newer-image" });
		await lab.converge();
		expect(await digest()).not.toBe(older);
		lab.stack.service.image = { ...image, pin: older.split("@")[1] as string };
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await lab.converge();
		await load.stop();
		expectNoLoss(load);
		expect(await digest()).toBe(older);
		lab.stack.service.image = image;
		await lab.expectUnchanged();
	});
});

describe.skipIf(noEngine)("an order of nodes", () => {
	const order = { rollout: { order: ["worker2", "manager"], monitorSeconds: 5 } };

	/** Tasks that ended with an error, each with its node. */
	const failures = async () => {
		const script = "docker service ps --no-trunc --format '{{.ID}} {{.Node}} {{.Error}}' babble-was";
		return (await lab.on("manager", script)).split("\n").flatMap((line) => /^(\S+ \S+) .*non-zero exit \(1\)/.exec(line)?.[1] ?? []);
	};

	beforeEach(async () => {
		lab.configure({ WAS_VERSION: "good", SHUTDOWN: "immediate" }, order);
		await lab.converge();
	});

	test("is kept, one node is closed at a time, and no request is lost", async () => {
		lab.configure({ WAS_VERSION: "ordered", SHUTDOWN: "immediate" }, order);
		await lab.underLoad(() => lab.converge());
		expect(await lab.byAge()).toEqual(["worker2", "manager", "worker1"]);
		await lab.expectNothingDrained();
	});

	test("ends at the first node when the version fails there: no other one gets it, and no request is lost", async () => {
		const before = await failures();
		lab.configure({ WAS_VERSION: "bad", HEALTH_MODE: "nonsense" }, order);
		await lab.underLoad(async () => {
			const { code, output } = await lab.stack.up();
			expect(code).not.toBe(0);
			expect(output).toMatch(/worker2: failed: .*non-zero exit \(1\)/);
		});
		await lab.expectVersion("good");
		const fresh = (await failures()).filter((line) => !before.includes(line)).map((line) => line.split(" ")[1]);
		expect([...new Set(fresh)]).toEqual(["worker2"]);
		await lab.expectNothingDrained();
	});

	test("is kept when the CLI is killed meanwhile", async () => {
		lab.configure({ WAS_VERSION: "orphaned" }, order);
		await lab.kill(await lab.beginRollout());
		await expect.poll(() => lab.nodesWith("orphaned"), { timeout: 600_000, interval: 3000 }).toBe(3);
		await lab.expectVersion("orphaned");
		expect(await lab.byAge()).toEqual(["worker2", "manager", "worker1"]);
		await lab.expectNothingDrained();
		await lab.converge();
	});
});

describe.skipIf(noEngine)("ingress mode", () => {
	const mesh = { publish: { mode: "ingress", target: 8080, published: 8080 } };

	beforeAll(async () => {
		lab.configure({ WAS_VERSION: "mesh-1" }, mesh);
		await lab.converge();
	});

	test("leaves the update to Swarm, the new task first", async () => {
		const spec = JSON.parse(await lab.on("manager", "docker service inspect babble-was"))[0].Spec;
		expect(spec.UpdateConfig).toMatchObject({ Order: "start-first", FailureAction: "rollback" });
		expect(spec.EndpointSpec.Ports).toMatchObject([{ PublishMode: "ingress" }]);
		lab.configure({ WAS_VERSION: "mesh-2" }, mesh);
		await lab.converge();
		expect(await (await fetch(`${lab.endpoint}/version`)).json()).toMatchObject({ version: "mesh-2" });
	});

	test("scaled by hand is named by a refresh and put back", async () => {
		await lab.on("manager", "docker service scale -d babble-was=1");
		await expect.poll(taskIds, { timeout: 120_000, interval: 2000 }).toHaveLength(1);
		expect((await lab.stack.previewText("--refresh")).output).toMatch(/differs[\s\S]*Mode\.Replicated\.Replicas/);
		await lab.converge("--refresh");
		expect(await taskIds()).toHaveLength(3);
		await lab.expectUnchanged("--refresh");
	});

	test("takes a version back that never gets healthy, and up fails with the task's own error", async () => {
		lab.configure(
			{ WAS_VERSION: "bad", HEALTH_MODE: "never" },
			{ ...mesh, health: { deadlineSeconds: 20, intervalSeconds: 3, retries: 2 } },
		);
		const { code, output } = await lab.stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(/unhealthy/);
		expect(output).toMatch(/the old one is back on all nodes/);
		expect(await (await fetch(`${lab.endpoint}/version`)).json()).toMatchObject({ version: "mesh-2" });
	});

	test("is left for host mode, with nothing drained for good", async () => {
		lab.configure();
		await lab.converge();
		await lab.expectNothingDrained();
	});
});
