import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { newKeyPair } from "../../lib/sshKeys.ts";
import { type Account, account } from "../standin/account.ts";
import { type Emulator, startEmulator } from "../standin/emulator.ts";
import { exampleStack } from "../standin/stacks.ts";
import { changesOf, type TestStack } from "../support/stack.ts";

/** The stand-in itself, with a small program: that what the engine asks for really arrives at the API, and comes back. */
const missing = inject("missingStandin");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-standin-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(missing)(`the stand-in for the aws plugin${missing ? ` (skipped: ${missing})` : ""}`, () => {
	let emulator: Emulator;
	let stack: TestStack;
	let there: Account;
	const region = "ap-northeast-2";
	const keys = { EXAMPLE_KEYS: JSON.stringify([0, 1].map(() => newKeyPair())) };

	async function newStack(name: string, config: Record<string, unknown> = {}): Promise<TestStack> {
		const made = exampleStack(name, path.join(scratch, name), { region, ...config }, { ...emulator.env, ...keys });
		await made.init();
		return made;
	}
	const succeeded = async (step: Promise<{ code: number; output: string }>) => {
		const { code, output } = await step;
		expect(code, output).toBe(0);
		return output;
	};

	beforeAll(async () => {
		emulator = await startEmulator();
		there = account(emulator, region);
		stack = await newStack("whole");
	});
	afterAll(() => emulator?.stop());

	test("previews without a request that makes anything", async () => {
		const steps = await stack.preview();
		expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["create"]));
		expect(await there.leftovers()).toEqual([]);
	});

	test("makes everything at the API as declared", async () => {
		await succeeded(stack.up());
		expect(await there.running()).toMatchObject([
			{
				ImageId: "ami-0d000000000000120",
				PrivateIpAddress: "192.168.1.10",
				InstanceType: "t3.small",
				KeyName: expect.stringMatching(/^operator-/),
				IamInstanceProfile: { Arn: expect.stringContaining("host-") },
				MetadataOptions: { HttpTokens: "required" },
				Tags: expect.arrayContaining([
					{ Key: "project", Value: "standin-example" },
					{ Key: "Name", Value: "example" },
				]),
			},
		]);
	});

	test("finds everything unchanged at a refresh and a second up", async () => {
		expect(await succeeded(stack.up("--refresh"))).toMatch(/Resources:\s+\d+ unchanged\s/);
	});

	test("changes in place what the real provider changes in place", async () => {
		stack.config["standin-example:instanceType"] = "t3.medium";
		expect(changesOf(await stack.preview())).toEqual(["update host"]);
		await succeeded(stack.up());
		expect(await there.running()).toMatchObject([{ InstanceType: "t3.medium" }]);
	});

	test("replaces an instance, and what is bound to it, where the program asks for it", async () => {
		stack.config["standin-example:replaceOnType"] = true;
		stack.config["standin-example:instanceType"] = "t3.large";
		expect(changesOf(await stack.preview())).toEqual(expect.arrayContaining(["replace host", "replace data"]));
		await succeeded(stack.up());
		expect(await there.running()).toMatchObject([{ InstanceType: "t3.large", PrivateIpAddress: "192.168.1.10" }]);
	});

	test("keeps user data out of the state's plain text", () => {
		expect(stack.stateFiles()).toContain("aws:ec2/instance:Instance");
		expect(stack.stateFiles()).not.toContain("PRIVATE KEY");
	});

	test("sees at a refresh what someone else deleted, and recreates it", async () => {
		await there.ec2.deleteKeyPair({ KeyName: (await there.running())[0]?.KeyName as string });
		const output = await succeeded(
			stack.run("refresh", "--yes", "--skip-preview", "--stack", stack.name, "--config-file", stack.configFile),
		);
		expect(output).toMatch(/KeyPair operator deleted/);
		expect(changesOf(await stack.preview())).toContain("create operator");
	});

	test("destroys to an empty account", async () => {
		await succeeded(stack.destroy());
		expect(await there.leftovers()).toEqual([]);
	});

	const atPreview: [name: string, config: Record<string, string>, message: RegExp][] = [
		["an unknown region", { region: "mars-north-1" }, /invalid AWS Region: mars-north-1/],
		["an unknown parameter", { parameter: "/aws/service/debian/release/99/latest/amd64" }, /ParameterNotFound/],
	];
	test.each(atPreview)("fails a preview with the API's error for %s", async (name, config, message) => {
		const { code, output } = await (await newStack(name.replaceAll(" ", "-"), config)).previewText();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
	});

	const atUp: [name: string, config: Record<string, string>, message: RegExp][] = [
		["an unknown image", { ami: "ami-0123456789abcdef0" }, /InvalidAMIID\.NotFound/],
		["overlapping subnets", { closed: "192.168.1.128/25" }, /InvalidSubnet\.Conflict/],
	];
	test.each(atUp)("fails an up with the API's error for %s, and destroys what came before", async (name, config, message) => {
		const faulty = await newStack(name.replaceAll(" ", "-"), config);
		const { code, output } = await faulty.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		await succeeded(faulty.destroy());
		expect(await there.leftovers()).toEqual([]);
	});
});
