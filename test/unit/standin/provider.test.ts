import { describe, expect, test } from "vitest";
import { check, replaces } from "../../standin/provider.ts";

const urn = (type: string) => `urn:pulumi:prod::swarm-scaleout::scaleout:index:Hosts$${type}::worker1`;
const instance = urn("aws:ec2/instance:Instance");
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("the stand-in's check", () => {
	test("refuses a type that it does not serve", () => {
		expect(() => check(urn("aws:s3/bucket:Bucket"), {}, {})).toThrow("does not serve aws:s3/bucket:Bucket");
	});

	test("refuses an input that would go by unjudged", () => {
		expect(check(instance, {}, { ami: "ami-1", hibernation: true }).failures).toEqual([
			{ property: "hibernation", reason: expect.stringContaining("aws:ec2/instance:Instance") },
		]);
	});

	test("makes a name where none is given, and keeps it", () => {
		const group = urn("aws:ec2/securityGroup:SecurityGroup");
		const { name } = check(group, {}, { vpcId: "vpc-1" }).inputs;
		expect(name).toMatch(/^worker1-[0-9a-f]{7}$/);
		expect(check(group, { name }, { vpcId: "vpc-1" }).inputs.name).toBe(name);
	});
});

describe("a change replaces an instance", () => {
	const olds = {
		ami: "ami-1",
		instanceType: "t3.small",
		privateIp: "192.168.2.142",
		userData: "a",
		userDataReplaceOnChange: true,
		rootBlockDevice: { encrypted: true, volumeSize: 20 },
		region: "ap-northeast-2",
	};
	const changes: [name: string, change: object, replaced: string[]][] = [
		["nothing", {}, []],
		["its image", { ami: "ami-2" }, ["ami"]],
		["an image that is not known yet", { ami: unknown }, ["ami"]],
		["its type", { instanceType: "t3.large" }, []],
		["an address that the API chose", { privateIp: undefined }, []],
		["its user data", { userData: "b" }, ["userData"]],
		["its user data, in place", { userData: "b", userDataReplaceOnChange: false }, []],
		["the size of its root volume", { rootBlockDevice: { volumeSize: 30, encrypted: true } }, []],
		["the encryption of its root volume", { rootBlockDevice: { volumeSize: 20, encrypted: false } }, ["rootBlockDevice"]],
	];
	test.each(changes)("as the real provider does: %s", (_name, change, replaced) => {
		const { region: _region, ...inputs } = olds;
		expect(replaces(instance, olds, { ...inputs, ...change })).toEqual(replaced);
	});
});
