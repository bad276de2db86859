import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Load } from "../../bench/load.ts";
import { closeConnections } from "../../lib/ssh.ts";
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

	test("service.restart replaces all tasks, and loses no request", async () => {
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
		const image = lab.stack.config["swarm-scaleout:image"] as { build: { args: object } };
		const digest = async () =>
			(await lab.stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs.imageDigest as string;
		const older = await digest();
		lab.stack.config["swarm-scaleout:image"] = {
			...image,
			build: { ...image.build, args: { ...image.build.args, WAS_VERSION: "newer-image" } },
		};
		await lab.converge();
		expect(await digest()).not.toBe(older);
		lab.stack.config["swarm-scaleout:image"] = { ...image, pin: older.split("@")[1] };
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await lab.converge();
		await load.stop();
		expectNoLoss(load);
		expect(await digest()).toBe(older);
		lab.stack.config["swarm-scaleout:image"] = image;
		await lab.expectUnchanged();
	});
});

describe.skipIf(noEngine)("an order of nodes", () => {
	const order = { rollout: { order: ["worker2", "manager"], monitorSeconds: 5 } };

	/** Names of the app nodes by the age of their tasks, the oldest first. */
	const byAge = async () => {
		const ids = await taskIds();
		const format = "{{.CreatedAt.UnixNano}} {{.NodeID}}";
		const tasks = (await lab.on("manager", `docker inspect --format '${format}' ${ids.join(" ")}`)).trim().split("\n").sort();
		const names = tasks.map((line) => lab.on("manager", `docker node inspect --format '{{.Description.Hostname}}' ${line.split(" ")[1]}`));
		return (await Promise.all(names)).map((name) => name.trim());
	};
	const held = () =>
		lab.on(
			"manager",
			"docker node ls --format '{{.ID}}' | xargs docker node inspect --format '{{.Spec.Availability}} {{.Spec.Labels}}' | grep -E 'pause|held' || true",
		);

	beforeEach(async () => {
		lab.configure({ WAS_VERSION: "good", SHUTDOWN: "immediate" }, order);
		await lab.converge();
	});

	test("is kept, and no request is lost", async () => {
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		lab.configure({ WAS_VERSION: "ordered", SHUTDOWN: "immediate" }, order);
		await lab.converge();
		await load.stop();
		expectNoLoss(load);
		expect(await byAge()).toEqual(["worker2", "manager", "worker1"]);
		expect(await held()).toBe("");
	});

	test("ends at the first node when the version fails there, and no node stays held", async () => {
		const before = await taskIds();
		lab.configure({ WAS_VERSION: "bad", HEALTH_MODE: "nonsense" }, order);
		const { code, output } = await lab.stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(/worker2: failed: .*non-zero exit \(1\)/);
		await lab.expectVersion("good");
		expect((await taskIds()).filter((id) => before.includes(id))).toHaveLength(2);
		expect(await held()).toBe("");
	});

	test("is kept when the CLI is killed meanwhile", async () => {
		lab.configure({ WAS_VERSION: "orphaned" }, order);
		const up = lab.stack.beginUp();
		await expect.poll(held, { timeout: 180_000, interval: 1000 }).not.toBe("");
		await expect
			.poll(() => lab.on("manager", "docker service inspect babble-was --format '{{.Spec.TaskTemplate.ContainerSpec.Env}}'"), {
				timeout: 60_000,
				interval: 500,
			})
			.toContain("orphaned");
		up.kill();
		await up.ended;
		await expect.poll(held, { timeout: 480_000, interval: 3000 }).toBe("");
		// The last node is released, and Swarm goes on with it: to Swarm the update was complete with the first one.
		const unit = () => lab.on("manager", "systemctl is-active scaleout-order-babble-was || true");
		await expect.poll(unit, { timeout: 240_000, interval: 3000 }).toBe("inactive\n");
		await lab.stack.run("cancel", "--yes", "--stack", lab.stack.name);
		await lab.expectVersion("orphaned");
		expect(await byAge()).toEqual(["worker2", "manager", "worker1"]);
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
