import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { expectNoLoss, RolloutLab } from "../support/rollout.ts";
import { changesOf } from "../support/stack.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const key = "swarm-scaleout:hosts";
const original = lab.stack.config[key] as { name: string }[];
const renamed = (name: string, aliases: string[]) => original.map((host) => (host.name === "worker2" ? { ...host, name, aliases } : host));

afterAll(closeConnections);

describe.skipIf(noEngine)("a host under another name in the configuration", () => {
	test("recreates nothing with its former name beside it, and costs no request and no task", async () => {
		const before = await lab.tasks();
		const load = new Load({ url: lab.endpoint, clients: 2, keepAlive: false, maxDelayMs: 500 });
		try {
			for (const hosts of [renamed("tokyo", ["worker2"]), renamed("worker2", ["tokyo", "worker2"]), original]) {
				lab.stack.config[key] = hosts;
				const changes = changesOf(await lab.stack.preview());
				expect(changes.filter((change) => !change.startsWith("update "))).toEqual([]);
				await lab.converge();
				await lab.expectUnchanged("--refresh");
			}
		} finally {
			await load.stop();
		}
		expect(await lab.tasks()).toBe(before);
		expectNoLoss(load);
	});
});
