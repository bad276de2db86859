import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { account } from "../standin/account.ts";
import { type Emulator, startEmulator } from "../standin/emulator.ts";
import { prodStack } from "../standin/stacks.ts";
import { labEnvironment } from "../support/lab.ts";
import { digest } from "../support/mocks.ts";

/** Pulumi.prod.yaml with the emulator in AWS's place, as far as previews go. What `up` makes of it: test/prod. */
const missing = inject("missingStandin");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-prod-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(missing)(`the prod stack's preview${missing ? ` (skipped: ${missing})` : ""}`, () => {
	let emulator: Emulator;
	beforeAll(async () => {
		emulator = await startEmulator();
	});
	afterAll(() => emulator?.stop());

	async function newStack(name: string, change?: Parameters<typeof prodStack>[2]) {
		const stack = prodStack(path.join(scratch, name), emulator.env, (config) => {
			// No registry of the world is asked.
			config.services["babble-was"].image.pin = digest;
			change?.(config);
		});
		await stack.init();
		return stack;
	}

	test("from nothing shows every part, and makes nothing", async () => {
		const steps = await (await newStack("nothing")).preview();
		expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["create"]));
		const types = steps.map(({ urn }) => urn.split("::")[2]?.split("$").at(-1));
		const count = (type: string) => types.filter((seen) => seen === type).length;
		expect(count("aws:ec2/instance:Instance")).toBe(5);
		expect(count("aws:ec2/subnet:Subnet")).toBe(4);
		expect(count("aws:ec2/securityGroup:SecurityGroup")).toBe(5);
		expect(count("aws:ebs/volume:Volume")).toBe(1);
		expect(types.filter((type) => type?.endsWith(":SwarmNode"))).toHaveLength(3);
		expect(await account(emulator, "ap-northeast-2").leftovers()).toEqual([]);
	});

	test("holds no secret", async () => {
		const { code, output } = await (await newStack("secrets")).previewText();
		expect(code, output).toBe(0);
		for (const secret of [...Object.values(labEnvironment), "PRIVATE KEY"]) expect(output).not.toContain(secret);
	});

	const faults: [name: string, change: Parameters<typeof prodStack>[2], message: string][] = [
		["a region that AWS does not have", ({ aws }) => Object.assign(aws, { region: "eu-north-9" }), "invalid AWS Region: eu-north-9"],
		[
			"overlapping subnets",
			({ aws }) => Object.assign(aws.subnets[2], { cidr: "192.168.0.0/22" }),
			'aws.subnets[2].cidr = "192.168.0.0/22": overlaps aws.subnets[0].cidr = 192.168.0.0/24: choose another',
		],
		[
			"an address outside of its subnet",
			({ hosts }) => Object.assign(hosts[2], { address: "192.168.9.5" }),
			'hosts[2].address = "192.168.9.5": lies in none of aws.subnets',
		],
	];
	test.each(faults)("is refused for %s", async (name, change, message) => {
		const { code, output } = await (await newStack(name.replaceAll(" ", "-"), change)).previewText();
		expect(code).not.toBe(0);
		expect(output).toContain(message);
		expect(await account(emulator, "ap-northeast-2").leftovers()).toEqual([]);
	});

	test("of an image that AWS does not have passes, up fails with its error, and destroy leaves the volume of the logs", async () => {
		const stack = await newStack("image", ({ aws }) => Object.assign(aws, { amiId: "ami-0123456789abcdef0" }));
		const { code, output } = await stack.up();
		expect(code).not.toBe(0);
		expect(output).toContain("InvalidAMIID.NotFound: The image id '[ami-0123456789abcdef0]' does not exist");
		expect(output).not.toContain("PRIVATE KEY");
		const gone = await stack.destroy();
		expect(gone.code, gone.output).toBe(0);
		expect((await account(emulator, "ap-northeast-2").leftovers()).map((line) => line.split("-")[0])).toEqual(["volume vol"]);
	});
});
