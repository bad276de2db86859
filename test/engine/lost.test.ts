import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { sampleStack } from "../support/sample.ts";
import { changesOf } from "../support/stack.ts";

/* A host of somebody else's that never answers again: the real engine, on a state of hosts that exist nowhere. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-lost-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	test("what is on a host that is said to be lost is marked to be forgotten, without a word to it; on others nothing is", async () => {
		const stack = await sampleStack(scratch);
		const hosts = stack.config["swarm-scaleout:hosts"] as { name: string; lost?: boolean }[];
		Object.assign(hosts.find(({ name }) => name === "worker2") ?? {}, { lost: true });
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect(output).toMatch(/Resources:\s+\d+ unchanged\s/);
		const exported = JSON.parse((await stack.run("stack", "export", "--stack", stack.name)).output);
		const resources = exported.deployment.resources as { urn: string; type: string; retainOnDelete?: boolean }[];
		const names = (found: typeof resources) => found.map(({ urn }) => urn.split("::").at(-1)).sort();
		const forgotten = names(resources.filter(({ retainOnDelete }) => retainOnDelete));
		const isOnHost = (type: string) => type === "command:remote:Command" || type.endsWith(":HostBootstrap");
		expect(forgotten).toEqual(names(resources.filter(({ type, urn }) => isOnHost(type) && urn.includes("worker2"))));
		expect(forgotten).toContain("babble-was-drain-agent-worker2");
	});

	test("nothing is sent to a log host that is said to be lost, also where the export's clients change", async () => {
		const stack = await sampleStack(path.join(scratch, "log"));
		const hosts = stack.config["swarm-scaleout:hosts"] as { name: string; lost?: boolean }[];
		Object.assign(hosts.find(({ name }) => name === "log") ?? {}, { lost: true });
		stack.config["swarm-scaleout:hosts"] = hosts.filter(({ name }) => name !== "worker2");
		(stack.config["swarm-scaleout:services"] as Record<string, { replicas: number }>)["babble-was"] = {
			...(stack.config["swarm-scaleout:services"] as Record<string, { replicas: number }>)["babble-was"],
			replicas: 2,
		};
		const changes = changesOf(await stack.preview());
		expect(changes).toContain("delete babble-was-label-worker2");
		expect(changes.filter((change) => / (logs-|hosts-log)/.test(change))).toEqual([]);
	});
});
