import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isSpare } from "../../../../../components/sources/aws/instances.ts";
import { userData, userDataVersion } from "../../../../../components/sources/aws/userData.ts";
import { currentImage, type Props, type Recorder, withoutSecrets } from "../../../../support/mocks.ts";
import { prodTopology, type Raw } from "../../../fixtures.ts";
import { recordHosts, tagged } from "./support.ts";

/** The host whose instance a resource is, by its name. */
const hostOf = (resource: string) => resource.replace(/^hosts-/, "");
const instanceOf = (recorder: Recorder, name: string) => recorder.find(`hosts-${name}`, ":Instance");

describe("the prod stack's instances", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts();
	});

	test.each([
		["manager", "192.168.2.137", "nodes-a", ["swarm", "manager", "app"]],
		["worker1", "192.168.2.142", "nodes-a", ["swarm", "app"]],
		["worker2", "192.168.3.5", "nodes-c", ["swarm", "app"]],
		["log", "192.168.1.20", "logs", ["log"]],
		["nginx", "192.168.0.10", "public", ["balancer"]],
	])("%s has the address %s in subnet %s and the groups %j", (name, privateIp, subnet, groups) => {
		expect(instanceOf(recorder, name).inputs).toMatchObject({
			ami: currentImage,
			instanceType: "t3.small",
			keyName: "key-name-of-hosts-operator-key",
			privateIp,
			subnetId: `id-of-hosts-subnet-${subnet}`,
			vpcSecurityGroupIds: groups.map((group) => `id-of-hosts-${group}-group`),
			userDataReplaceOnChange: true,
			tags: tagged(name),
		});
	});

	test("have an encrypted root volume and metadata that only IMDSv2 on the host itself reads", () => {
		for (const { name, inputs } of recorder.ofType(":Instance")) {
			expect(inputs.rootBlockDevice, name).toEqual({
				encrypted: true,
				volumeType: "gp3",
				volumeSize: 20,
				deleteOnTermination: true,
				tags: tagged(hostOf(name)),
			});
			expect(inputs.metadataOptions, name).toEqual({ httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 });
		}
	});

	test("have no public address, but for NGINX an Elastic IP", () => {
		const asked = recorder.ofType(":Instance").map(({ name, inputs }) => [hostOf(name), inputs.associatePublicIpAddress]);
		expect(Object.fromEntries(asked)).toEqual({ manager: false, worker1: false, worker2: false, log: false, nginx: undefined });
		expect(recorder.find("hosts-nginx-address", ":Eip").inputs).toEqual({ domain: "vpc", tags: tagged("nginx") });
		expect(recorder.find("hosts-nginx-address", ":EipAssociation").inputs).toEqual({
			allocationId: "id-of-hosts-nginx-address",
			instanceId: "id-of-hosts-nginx",
		});
		expect(recorder.ofType(":EipAssociation")).toHaveLength(1);
	});

	test("let the stack's own key in, and know each its own host key from the first boot", () => {
		expect(recorder.find("hosts-operator-key", ":KeyPair").inputs).toEqual({
			publicKey: "ssh-ed25519 AAAA-operator",
			tags: tagged("operator-key"),
		});
		for (const { name: resource, inputs } of recorder.ofType(":Instance")) {
			const name = hostOf(resource);
			expect(inputs.userData.split("\n")[0]).toBe("#cloud-config");
			const config = parse(inputs.userData);
			expect(config).toMatchObject({ hostname: name, ssh_deletekeys: true, ssh_pwauth: false });
			expect(config.ssh_keys).toEqual({ ed25519_private: "planted-private-key", ed25519_public: "ssh-ed25519 AAAA-operator" });
			expect(recorder.isAfter(instanceOf(recorder, name), recorder.find(`hosts-${name}-host-key`)), name).toBe(true);
		}
	});

	test("keep the host key secret: the user data is one, in inputs and outputs", () => {
		for (const { name, marked, secretOutputs } of recorder.ofType(":Instance")) {
			expect(JSON.stringify(withoutSecrets(marked)), name).not.toContain("planted-private-key");
			expect(secretOutputs).toContain("userData");
		}
	});

	test("go before the new one comes: both have one address", () => {
		for (const { name, deleteBeforeReplace } of recorder.ofType(":Instance")) expect(deleteBeforeReplace, name).toBe(true);
	});

	test("start when their subnet leads out", () => {
		const routes = recorder.ofType(":Route");
		expect(routes).toHaveLength(2);
		for (const instance of recorder.ofType(":Instance"))
			for (const route of routes) expect(recorder.isAfter(instance, route), instance.name).toBe(true);
	});
});

describe("a changed instance type", () => {
	/** The prod stack with so many managers, all else workers. */
	const managers = (count: number) =>
		prodTopology(({ hosts }) => {
			for (const host of hosts.slice(0, count)) host.roles = ["manager", "app"];
		});
	test.each([
		[1, { manager: false, worker1: true, worker2: true, log: false, nginx: false }],
		[2, { manager: false, worker1: true, worker2: true, log: false, nginx: false }],
		[3, { manager: false, worker1: true, worker2: true, log: false, nginx: false }],
	])("with %i managers replaces what the swarm can spare", (count, expected) => {
		const { hosts } = managers(count);
		expect(Object.fromEntries(hosts.map((host) => [host.name, isSpare(host, hosts)]))).toEqual(expected);
	});

	test("makes a new host key where it replaces, and leaves the key where it does not", async () => {
		const keepers = (recorder: Recorder, name: string) => JSON.stringify(recorder.find(`hosts-${name}-host-key`).inputs.keepers);
		const before = await recordHosts();
		const after = await recordHosts((config) => {
			for (const host of config.hosts) host.instanceType = "t3.medium";
		});
		const names = before.ofType(":Instance").map(({ name }) => hostOf(name));
		const changed = names.filter((name) => keepers(before, name) !== keepers(after, name));
		expect(changed.sort()).toEqual(["worker1", "worker2"]);
		const replaced = before.ofType(":Instance").filter(({ replaceOnChanges }) => replaceOnChanges.includes("instanceType"));
		expect(replaced.map(({ name }) => hostOf(name)).sort()).toEqual(changed.sort());
	});
});

describe("a new host key comes with everything else that replaces an instance", () => {
	const keepers = async (changed?: (config: Raw) => void) => (await recordHosts(changed)).find("hosts-worker1-host-key").inputs.keepers;
	let before: Props;
	beforeAll(async () => {
		before = await keepers();
	});
	// biome-ignore format: one change a row
	const changes: [string, (config: Raw) => void][] = [
		["another image", (c) => { c.aws.amiId = "ami-0f"; }],
		["another address", (c) => { c.hosts[1].address = "192.168.2.143"; }],
		["another subnet", (c) => { c.hosts[1].address = "192.168.3.143"; }],
		["another key of the volumes", (c) => { c.aws.kmsKeyArn = "arn:aws:kms:ap-northeast-2:123456789012:key/0a"; }],
	];
	test.each(changes)("%s", async (_what, change) => {
		expect(await keepers(change)).not.toEqual(before);
	});

	test("other user data", () => {
		expect(userDataVersion("worker1")).not.toBe(userDataVersion("worker2"));
	});
});

describe("the image", () => {
	test("is the vendor's current one when the host is made, and is kept until its revision is counted up", async () => {
		const recorder = await recordHosts((config) => {
			config.aws.imageRevision = 3;
			config.hosts[2].imageRevision = 4;
		});
		const pins = recorder.ofType(":Stash");
		expect(pins.map(({ name, replacementTrigger }) => [name, replacementTrigger]).sort()).toEqual([
			["hosts-log-image", "ubuntu-24.04 3"],
			["hosts-manager-image", "ubuntu-24.04 3"],
			["hosts-nginx-image", "ubuntu-24.04 3"],
			["hosts-worker1-image", "ubuntu-24.04 3"],
			["hosts-worker2-image", "ubuntu-24.04 4"],
		]);
		for (const { inputs, ignoreChanges } of pins) {
			expect(inputs).toEqual({ input: currentImage });
			expect(ignoreChanges).toEqual(["input"]);
		}
	});

	test.each([
		["ubuntu-24.04", "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", "ubuntu"],
		["ubuntu-22.04", "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id", "ubuntu"],
		["debian-12", "/aws/service/debian/release/12/latest/amd64", "admin"],
	])("%s is the one of %s, and its login is %s", async (image, parameter, user) => {
		const asked: string[] = [];
		const recorder = await recordHosts(
			(config) => {
				config.aws.image = image;
			},
			{},
			{
				"aws:ssm/getParameter:getParameter": ({ name }: Props) => {
					asked.push(name);
					return { insecureValue: "ami-0e" };
				},
			},
		);
		expect(asked).toEqual([parameter]);
		expect(instanceOf(recorder, "nginx").inputs.ami).toBe("ami-0e");
		expect(recorder.find("hosts-nginx-bootstrap").inputs.connection.user).toBe(user);
	});

	test("by ID is that, and nothing is looked up", async () => {
		const asked: Props[] = [];
		const recorder = await recordHosts(
			(config) => {
				config.aws.amiId = "ami-0f";
			},
			{},
			{ "aws:ssm/getParameter:getParameter": (args: Props) => asked.push(args) && {} },
		);
		expect(asked).toEqual([]);
		expect(recorder.ofType(":Stash")).toEqual([]);
		for (const { inputs } of recorder.ofType(":Instance")) expect(inputs.ami).toBe("ami-0f");
	});
});

test("a host's own instance type, and the stack's volume size and key, reach the instance", async () => {
	const kmsKeyArn = "arn:aws:kms:ap-northeast-2:123456789012:key/0a";
	const recorder = await recordHosts((config) => {
		config.hosts[1].instanceType = "m7i.large";
		Object.assign(config.aws, { instanceType: "t3.medium", rootVolumeGiB: 40, kmsKeyArn });
	});
	const types = recorder.ofType(":Instance").map(({ name, inputs }) => [hostOf(name), inputs.instanceType]);
	expect(Object.fromEntries(types)).toMatchObject({ manager: "t3.medium", worker1: "m7i.large" });
	expect(instanceOf(recorder, "worker1").inputs.rootBlockDevice).toMatchObject({ volumeSize: 40, kmsKeyId: kmsKeyArn });
});

test("user data is no longer than EC2 takes", () => {
	const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${`${"x".repeat(70)}\n`.repeat(6)}-----END OPENSSH PRIVATE KEY-----\n`;
	const text = userData("a".repeat(40), { privateKey, publicKey: `ssh-ed25519 ${"A".repeat(68)}` });
	expect(text.length).toBeLessThan(16 * 1024);
	expect(parse(text).ssh_keys.ed25519_private).toBe(privateKey);
});
