import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { EC2 } from "@aws-sdk/client-ec2";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { type Emulator, missingEmulator, startEmulator } from "../standin/emulator.ts";
import { leftovers } from "../standin/leftovers.ts";
import { exampleStack } from "../standin/stacks.ts";

const missing = missingEngine() ?? missingEmulator();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-standin-"));
let emulator: Emulator;

describe.skipIf(missing)(`the stand-in for the aws plugin${missing ? ` (skipped: ${missing})` : ""}`, () => {
	beforeAll(async () => {
		emulator = await startEmulator();
	});
	afterAll(async () => {
		await emulator?.stop();
		fs.rmSync(scratch, { recursive: true, force: true });
	});

	const keys = JSON.stringify([0, 1].map(() => ssh2.utils.generateKeyPairSync("ed25519")));
	const region = "ap-northeast-2";
	async function newStack(name: string, config: Record<string, unknown> = {}) {
		const stack = exampleStack(name, path.join(scratch, name), { region, keys, ...config }, emulator.env);
		await stack.init();
		return stack;
	}

	test("previews without a request that changes anything", async () => {
		const stack = await newStack("preview");
		const before = emulator.log().length;
		const steps = await stack.preview();
		expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["create"]));
		expect(emulator.log().length).toBeGreaterThan(before);
		expect(await leftovers({ ...emulator, region })).toEqual([]);
	});

	test("creates, changes and deletes everything at the API, and the second up changes nothing", async () => {
		const stack = await newStack("whole");
		const first = await stack.up();
		expect(first.code, first.output).toBe(0);
		const ec2 = new EC2({ region, endpoint: emulator.endpoint, credentials: { accessKeyId: "emulator", secretAccessKey: "emulator" } });
		const running = async () =>
			(await ec2.describeInstances({ Filters: [{ Name: "instance-state-name", Values: ["running"] }] })).Reservations?.flatMap(
				({ Instances }) => Instances ?? [],
			) ?? [];
		expect(await running()).toMatchObject([
			{
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
		const again = await stack.up("--refresh");
		expect(again.code, again.output).toBe(0);
		expect(again.output).toMatch(/Resources:\s+\d+ unchanged\s/);

		stack.config["standin-example:instanceType"] = "t3.medium";
		const changed = (await stack.preview()).filter(({ op }) => op !== "same").map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);
		expect(changed).toEqual(["update host"]);
		const resized = await stack.up();
		expect(resized.code, resized.output).toBe(0);
		expect(await running()).toMatchObject([{ InstanceType: "t3.medium" }]);

		stack.config["standin-example:replaceOnType"] = true;
		stack.config["standin-example:instanceType"] = "t3.large";
		const replaced = (await stack.preview())
			.filter(({ op }) => op.includes("replace"))
			.map(({ op, urn }) => `${op} ${urn.split("::").slice(2).join(" ")}`);
		expect(replaced).toContain("replace aws:ec2/instance:Instance host");
		expect(replaced).toContain("replace aws:ec2/volumeAttachment:VolumeAttachment data");
		const remade = await stack.up();
		expect(remade.code, remade.output).toBe(0);
		expect(await running()).toMatchObject([{ InstanceType: "t3.large", PrivateIpAddress: "192.168.1.10" }]);

		const state = stack.stateFiles();
		expect(state, "the host key is a secret").not.toContain("PRIVATE KEY");
		const gone = await stack.destroy();
		expect(gone.code, gone.output).toBe(0);
		expect(await leftovers({ ...emulator, region })).toEqual([]);
	});

	const faults: [name: string, config: Record<string, string>, message: RegExp][] = [
		["an unknown region", { region: "mars-north-1" }, /invalid AWS Region: mars-north-1/],
		["an unknown parameter", { parameter: "/aws/service/debian/release/99/latest/amd64" }, /ParameterNotFound/],
	];
	test.each(faults)("preview fails with the API's error for %s", async (name, config, message) => {
		const stack = await newStack(name.replaceAll(" ", "-"), config);
		const { code, output } = await stack.previewText();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
	});

	const refused: [name: string, config: Record<string, string>, message: RegExp][] = [
		["an unknown image", { ami: "ami-0123456789abcdef0" }, /InvalidAMIID\.NotFound/],
		["an unknown instance type", { instanceType: "t3.huge" }, /InvalidInstanceType/],
		["overlapping subnets", { closed: "192.168.1.128/25" }, /InvalidSubnet\.Conflict/],
	];
	test.each(refused)("up fails with the API's error for %s, and destroy leaves nothing", async (name, config, message) => {
		const stack = await newStack(name.replaceAll(" ", "-"), config);
		const { code, output } = await stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		const gone = await stack.destroy();
		expect(gone.code, gone.output).toBe(0);
		expect(await leftovers({ ...emulator, region })).toEqual([]);
	});
});
