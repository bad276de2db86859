import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { deployedStack, sampleConfig } from "../support/sample.ts";
import type { TestStack } from "../support/stack.ts";

/* Names of Docker secrets in previews: the real engine, on a state of hosts that exist nowhere. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-names-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;
	beforeAll(async () => {
		const config = sampleConfig();
		config["swarm-scaleout:services"]["babble-was"].secrets = { password: { fromEnvironment: "REDIS_PASSWORD" } };
		stack = await deployedStack("names", scratch, config, "planted-private-key\n");
	});

	const isSecret = (urn: string) => urn.endsWith(":SwarmSecret::babble-was-password");

	test("a preview of a stack that is as it was shows no change: the key is known", async () => {
		const steps = await stack.preview();
		expect(steps.filter(({ op }) => op !== "same")).toEqual([]);
	});

	test("another value is another name, known at preview", async () => {
		const found = (await stack.resources()).find(({ urn }) => isSecret(urn));
		const before = found?.inputs?.name;
		stack.env.REDIS_PASSWORD = "planted-new-password";
		const replaced = (await stack.preview()).find(({ urn, op }) => isSecret(urn) && op === "replace");
		expect(before).toMatch(/^babble-was-password-[0-9a-f]{12}$/);
		expect(replaced?.newState?.inputs.name).toMatch(/^babble-was-password-[0-9a-f]{12}$/);
		expect(replaced?.newState?.inputs.name).not.toBe(before);
	});
});
