import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { ExistingHosts } from "../support/existing.ts";
import { apps, RolloutLab } from "../support/rollout.ts";

const { noEngine } = inject("lab");
const hosts = new ExistingHosts();
const lab = new RolloutLab();

afterAll(async () => {
	hosts.remove();
	await closeConnections();
});

// Hosts that cannot be reached, or not in this way: test/faults.
describe.skipIf(noEngine)("existing hosts that are in the swarm of another stack", () => {
	beforeAll(() => hosts.init());

	test("are refused with property and remedy, and keep their drain agents when the refused stack is destroyed", async () => {
		const refused = hosts.expectRefused(() => {}, /already manages swarm \w+, of stack swarm-scaleout\/test: set swarm\.adopt/);
		// Also where it was not refused: what it made there would meet the tests that follow.
		await refused.finally(() => hosts.destroy());
		for (const name of apps) expect(await lab.on(name, "systemctl is-active scaleout-drain-babble-was"), name).toBe("active\n");
	});
});
