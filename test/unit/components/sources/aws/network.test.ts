import { beforeAll, describe, expect, test } from "vitest";
import { existingSubnetFaults } from "../../../../../components/sources/aws/network.ts";
import type { Recorder } from "../../../../support/mocks.ts";
import { prodTopology, type Raw } from "../../../fixtures.ts";
import { recordHosts, tagged } from "./support.ts";

describe("the prod stack's network", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts((config) => {
			config.aws.tags = { team: "babble" };
		});
	});

	test("is one VPC, in the region, by the stack's own provider", () => {
		expect(recorder.find("hosts-vpc").inputs).toEqual({
			cidrBlock: "192.168.0.0/16",
			enableDnsSupport: true,
			enableDnsHostnames: true,
			tags: { team: "babble", ...tagged("vpc") },
		});
		expect(recorder.find("hosts-aws", "providers:aws").inputs.region).toBe("ap-northeast-2");
		const made = recorder.resources.filter(({ type }) => type.startsWith("aws:"));
		expect(made.length).toBeGreaterThan(40);
		for (const { name, provider } of made) expect(provider, name).toBe("pulumi:providers:aws hosts-aws");
	});

	test.each([
		["public", "192.168.0.0/24", "ap-northeast-2a"],
		["logs", "192.168.1.0/24", "ap-northeast-2a"],
		["nodes-a", "192.168.2.0/24", "ap-northeast-2a"],
		["nodes-c", "192.168.3.0/24", "ap-northeast-2c"],
	])("subnet %s is %s in %s and gives nobody a public address", (name, cidrBlock, availabilityZone) => {
		expect(recorder.find(`hosts-subnet-${name}`).inputs).toEqual({
			vpcId: "id-of-hosts-vpc",
			cidrBlock,
			availabilityZone,
			mapPublicIpOnLaunch: false,
			tags: { team: "babble", ...tagged(name) },
		});
	});

	test("the public subnet's way out is the Internet gateway, the private ones' the NAT gateway", () => {
		expect(recorder.find("hosts-internet-gateway").inputs).toEqual({
			vpcId: "id-of-hosts-vpc",
			tags: { team: "babble", ...tagged("internet-gateway") },
		});
		const everywhere = { destinationCidrBlock: "0.0.0.0/0" };
		expect(recorder.find("hosts-public-way-out").inputs).toEqual({
			...everywhere,
			routeTableId: "id-of-hosts-public-routes",
			gatewayId: "id-of-hosts-internet-gateway",
		});
		expect(recorder.find("hosts-private-way-out").inputs).toEqual({
			...everywhere,
			routeTableId: "id-of-hosts-private-routes",
			natGatewayId: "id-of-hosts-nat",
		});
		const tables = recorder.ofType(":RouteTableAssociation").map(({ inputs }) => [inputs.subnetId, inputs.routeTableId]);
		expect(Object.fromEntries(tables)).toEqual({
			"id-of-hosts-subnet-public": "id-of-hosts-public-routes",
			"id-of-hosts-subnet-logs": "id-of-hosts-private-routes",
			"id-of-hosts-subnet-nodes-a": "id-of-hosts-private-routes",
			"id-of-hosts-subnet-nodes-c": "id-of-hosts-private-routes",
		});
	});

	test("the NAT gateway stands in the public subnet, with an address of its own, once that leads out", () => {
		expect(recorder.find("hosts-nat").inputs).toEqual({
			allocationId: "id-of-hosts-nat-address",
			subnetId: "id-of-hosts-subnet-public",
			tags: { team: "babble", ...tagged("nat") },
		});
		expect(recorder.find("hosts-nat-address").inputs.domain).toBe("vpc");
		expect(recorder.isAfter(recorder.find("hosts-nat"), recorder.find("hosts-public-way-out"))).toBe(true);
		expect(recorder.isAfter(recorder.find("hosts-nat-address"), recorder.find("hosts-internet-gateway"))).toBe(true);
	});
});

test("without a NAT gateway there is none, no address for it, and no way out of the private subnets", async () => {
	const recorder = await recordHosts((config) => {
		config.aws.natGateway = false;
	});
	expect(recorder.ofType(":NatGateway")).toEqual([]);
	expect(recorder.ofType(":Route").map(({ name }) => name)).toEqual(["hosts-public-way-out"]);
	expect(recorder.ofType(":Eip").map(({ name }) => name)).toEqual(["hosts-nginx-address"]);
});

describe("in an existing VPC", () => {
	const inVpc = (config: Raw) => {
		config.aws.vpcId = "vpc-0a";
		config.aws.subnets.forEach((subnet: Raw, i: number) => {
			subnet.id = `subnet-0${i}`;
		});
	};
	/** What EC2 says of the prod stack's subnets. */
	const really = ({ id }: Raw) => {
		const found = [
			{ cidrBlock: "192.168.0.0/24", availabilityZone: "ap-northeast-2a" },
			{ cidrBlock: "192.168.1.0/24", availabilityZone: "ap-northeast-2a" },
			{ cidrBlock: "192.168.2.0/24", availabilityZone: "ap-northeast-2a" },
			{ cidrBlock: "192.168.3.0/24", availabilityZone: "ap-northeast-2c" },
		];
		return { id, vpcId: "vpc-0a", ...found[Number(id.at(-1))] };
	};
	const getSubnet = "aws:ec2/getSubnet:getSubnet";

	test("no network is made, and hosts and groups lie in what is there", async () => {
		const recorder = await recordHosts(inVpc, {}, { [getSubnet]: really });
		const network = /:(Vpc|Subnet|InternetGateway|NatGateway|RouteTable|Route|RouteTableAssociation)$/;
		expect(recorder.resources.filter(({ type }) => network.test(type))).toEqual([]);
		expect(recorder.find("hosts-worker2", ":Instance").inputs.subnetId).toBe("subnet-03");
		expect(recorder.find("hosts-nginx", ":Instance").inputs.subnetId).toBe("subnet-00");
		for (const { inputs } of recorder.ofType(":SecurityGroup")) expect(inputs.vpcId).toBe("vpc-0a");
	});

	test.each([
		["network", { cidrBlock: "192.168.30.0/24" }, "aws.subnets[3].cidr", "192.168.3.0/24", "subnet-03 is 192.168.30.0/24"],
		["zone", { availabilityZone: "ap-northeast-2b" }, "aws.subnets[3].zone", "c", "subnet-03 is ap-northeast-2b"],
		["VPC", { vpcId: "vpc-0b" }, "aws.vpcId", "vpc-0a", "subnet-03 is vpc-0b"],
	])("a subnet of another %s than configured is told by property, value and remedy", (_what, other, property, value, remedy) => {
		const { aws } = prodTopology(inVpc);
		const found = really({ id: "subnet-03" }) as Parameters<typeof existingSubnetFaults>[3];
		expect(existingSubnetFaults(aws, 3, "ap-northeast-2", found)).toEqual([]);
		expect(existingSubnetFaults(aws, 3, "ap-northeast-2", { ...found, ...other })).toEqual([
			{ property, value, remedy: expect.stringContaining(remedy) },
		]);
	});
});
