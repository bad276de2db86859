import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { sampleStack } from "../support/sample.ts";
import { changesOf, type TestStack } from "../support/stack.ts";

/* In which order the engine moves the service to other hosts: the real one, on a state of hosts that exist nowhere. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-moved-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

interface HostConfig {
	name: string;
	roles: string[];
	address: string;
	ssh: object;
}

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;
	beforeAll(async () => {
		stack = await sampleStack(scratch);
	});

	const added = (hosts: HostConfig[]): HostConfig => ({ ...(hosts[1] as HostConfig), name: "worker3", address: "192.168.3.6" });
	// biome-ignore format: one change a row
	const changes: [what: string, change: (hosts: HostConfig[]) => void][] = [
		["the role moves to a new host", (hosts) => { hosts.push(added(hosts)); (hosts[2] as HostConfig).roles = ["worker"]; }],
		["a host is inserted before others, and one more is not asked for", (hosts) => { hosts.unshift(added(hosts)); }],
		["the host itself goes as well", (hosts) => { hosts.splice(2, 1, added(hosts)); }],
	];
	test.each(changes)(
		"%s: the successor has its task first, then the load balancer moves on, then the node loses its task",
		async (_what, change) => {
			const before = structuredClone(stack.config);
			change(stack.config["swarm-scaleout:hosts"] as HostConfig[]);
			const steps = changesOf(await stack.preview()).filter((step) => !step.endsWith("-bootstrap"));
			stack.config = before;
			const order = [
				"create swarm-worker3",
				"create babble-was-label-worker3",
				"update babble-was",
				"update nginx",
				"delete babble-was-label-worker2",
				"delete babble-was-drain-agent-worker2",
				...(steps.includes("delete swarm-worker2") ? ["delete swarm-worker2"] : []),
			];
			expect(steps.filter((step) => order.includes(step))).toEqual(order);
		},
	);

	test("a service of another name has agents of its own, and those of the one before go", async () => {
		const before = structuredClone(stack.config);
		stack.config["swarm-scaleout:services"] = { other: stack.service };
		Object.assign(stack.config["swarm-scaleout:nginx"] as object, { upstreams: { other: "app" } });
		const steps = changesOf(await stack.preview());
		stack.config = before;
		expect(steps.filter((step) => /agent-worker1$/.test(step))).toEqual([
			"create other-drain-agent-worker1",
			"delete babble-was-drain-agent-worker1",
		]);
	});
});
