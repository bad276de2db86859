import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { sampleStack } from "../support/sample.ts";
import type { TestStack } from "../support/stack.ts";

/* What the engine makes of changed managers: the real one, on a state of hosts that exist nowhere. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-managers-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

interface HostConfig {
	name: string;
	roles: string[];
	address: string;
}

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;
	beforeAll(async () => {
		stack = await sampleStack(scratch);
	});

	/** What a changed list of hosts does to the swarm and its nodes: `update SwarmNode swarm-worker1`. */
	async function changes(change: (hosts: Record<string, HostConfig>) => void): Promise<string[]> {
		const before = structuredClone(stack.config);
		const hosts = stack.config["swarm-scaleout:hosts"] as HostConfig[];
		change(Object.fromEntries(hosts.map((host) => [host.name, host])));
		const steps = await stack.preview().finally(() => {
			stack.config = before;
		});
		const relevant = steps.filter(({ op, urn }) => op !== "same" && /:(SwarmCluster|SwarmNode|Service)::/.test(urn));
		const typed = relevant.map(({ op, urn }) => `${op} ${urn.split("::")[2]?.split(":").at(-1)} ${urn.split("::").at(-1)}`);
		return [...new Set(typed)].filter((step) => !/create-replacement|delete-replaced/.test(step)).sort();
	}

	const become = (role: string, ...hosts: (HostConfig | undefined)[]) => {
		for (const host of hosts) if (host) host.roles[0] = role;
	};

	test("two more managers are promoted in place", async () => {
		expect(await changes(({ worker1, worker2 }) => become("manager", worker1, worker2))).toEqual([
			"update Service babble-was",
			"update SwarmCluster swarm",
			"update SwarmNode swarm-manager",
			"update SwarmNode swarm-worker1",
			"update SwarmNode swarm-worker2",
		]);
	});

	test("another address of the only manager is another swarm, and the preview says so", async () => {
		const steps = await changes(({ manager }) => Object.assign(manager ?? {}, { address: "192.168.2.138" }));
		expect(steps).toEqual(expect.arrayContaining(["manager", "worker1", "worker2"].map((name) => `replace SwarmNode swarm-${name}`)));
		expect(steps).toContain("replace SwarmCluster swarm");
	});

	test("another only manager is another swarm, too", async () => {
		const steps = await changes(({ manager, worker1 }) => {
			become("worker", manager);
			become("manager", worker1);
		});
		expect(steps).toContain("replace SwarmCluster swarm");
	});
});
