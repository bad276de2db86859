import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { apps, expectNoLoss, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();

afterAll(closeConnections);

describe.skipIf(noEngine)("a version that fails", () => {
	beforeEach(async () => {
		lab.configure({ WAS_VERSION: "good" });
		await lab.converge();
	});

	const failures: [name: string, env: Record<string, string>, rest: object, message: RegExp][] = [
		["never gets healthy", { HEALTH_MODE: "never" }, { health: { deadlineSeconds: 20, intervalSeconds: 3, retries: 2 } }, /unhealthy/],
		["crashes at start", { HEALTH_MODE: "nonsense" }, {}, /non-zero exit \(1\)/],
		[
			"crashes after it was healthy, before it was so for long enough to be let in",
			{ HEALTH_MODE: "crash", CRASH_AFTER_MS: "8000" },
			{ rollout: { monitorSeconds: 30, settleSeconds: 15 } },
			/non-zero exit \(3\)/,
		],
	];
	const upUnderLoad = async () => (await lab.underLoad(() => lab.stack.up(), { clients: 3, maxDelayMs: 500 })).result;

	test.each(failures)("is taken back, no request fails, and up fails with the task's own error: %s", async (_name, env, rest, message) => {
		lab.configure({ WAS_VERSION: "bad", ...env }, rest);
		const { code, output } = await upUnderLoad();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		expect(output).toMatch(/the old one is back on all nodes/);
		await lab.expectVersion("good");
		await lab.expectNothingDrained();
		lab.configure({ WAS_VERSION: "good" });
		await lab.expectUnchanged();
	});

	test("an image that cannot be pulled is taken back, and no request fails", async () => {
		const { image } = lab.stack.service;
		lab.stack.service.image = { ...image, pin: `sha256:${"0".repeat(64)}` };
		const { code, output } = await upUnderLoad();
		lab.stack.service.image = image;
		expect(code).not.toBe(0);
		expect(output).toMatch(/No such image: .*@sha256:0000/);
		await lab.expectVersion("good");
	});

	test("a volume that cannot be mounted is taken back, no request fails, and none of it is left", async () => {
		const volumes = () => Promise.all(apps.map((app) => lab.on(app, "docker volume ls -q --filter name=nfsvolume")));
		const before = await volumes();
		lab.stack.config["swarm-scaleout:logs"] = { mountOptions: "nfsvers=4.2,hard,sec=krb5p" };
		const { code, output } = await upUnderLoad();
		delete lab.stack.config["swarm-scaleout:logs"];
		expect(code).not.toBe(0);
		expect(output).toMatch(/failed to mount/);
		await lab.expectVersion("good");
		expect(await volumes()).toEqual(before);
		await lab.converge();
		await lab.expectNothingDrained();
	});
});

describe.skipIf(noEngine)("a service that was changed by hand", () => {
	beforeAll(() => lab.configure());

	test("is named by a refresh and put back, drained; after that nothing is left to do", async () => {
		await lab.converge();
		await lab.on("manager", "docker service update -q --detach --env-add WAS_VERSION=by-hand babble-was");
		const { output } = await lab.stack.previewText("--refresh");
		expect(output).toMatch(/differs[\s\S]*TaskTemplate\.ContainerSpec\.Env/);
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await lab.converge("--refresh");
		await load.stop();
		expectNoLoss(load);
		await lab.expectVersion("1");
		await lab.expectUnchanged("--refresh");
	});

	test("and whose update stopped at a failure: it is named as paused, and put back", async () => {
		await lab.on("manager", "docker service update -q --detach --update-failure-action pause --env-add HEALTH_MODE=nonsense babble-was");
		const state = () => lab.on("manager", "docker service inspect -f '{{.UpdateStatus.State}}' babble-was");
		await expect.poll(state, { timeout: 600_000, interval: 3000 }).toBe("paused\n");
		const { output } = await lab.stack.previewText("--refresh");
		expect(output).toMatch(/UpdateStatus: paused/);
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await lab.converge("--refresh");
		await load.stop();
		expectNoLoss(load);
		await lab.expectVersion("1");
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
	});
});
