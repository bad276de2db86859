import { describe, expect, test } from "vitest";
import { parseTopology } from "../../../config/parse.ts";
import { ConfigError, type Fault } from "../../../lib/fault.ts";
import { hostKey, labConfig, prodConfig, prodTopology, type Raw, was } from "../fixtures.ts";

function faultsOf(config: Raw): Fault[] {
	try {
		parseTopology(config);
	} catch (error) {
		expect(error).toBeInstanceOf(ConfigError);
		return (error as ConfigError).faults;
	}
	return [];
}

const existingVpc = (config: Raw) => {
	config.aws.vpcId = "vpc-0a";
	config.aws.subnets.forEach((subnet: Raw, i: number) => {
		subnet.id = `subnet-0${i}`;
	});
};

// biome-ignore format: one fault a row
const rows: [fault: string, (config: Raw) => void, property: string, value: unknown, remedy: string][] = [
	["no region", (c) => { delete c.aws.region; }, "aws.region", undefined, "is missing: name the region"],
	["a region of no known form", (c) => { c.aws.region = "Seoul"; }, "aws.region", "Seoul", "use a region's code"],
	["a zone where a region belongs", (c) => { c.aws.region = "ap-northeast-2a"; }, "aws.region", "ap-northeast-2a", "use a region's code"],
	["no operators", (c) => { delete c.aws.operatorCidrs; }, "aws.operatorCidrs", undefined, "is empty: name the networks"],
	["SSH for the world", (c) => { c.aws.operatorCidrs = ["203.0.113.7/32", "0.0.0.0/0"]; }, "aws.operatorCidrs[1]", "0.0.0.0/0", "opens SSH to the world"],
	["SSH for half of the world", (c) => { c.aws.operatorCidrs = ["128.0.0.0/1"]; }, "aws.operatorCidrs[0]", "128.0.0.0/1", "opens SSH to the world"],
	["an operator's network written by an address in it", (c) => { c.aws.operatorCidrs = ["203.0.113.7/24"]; }, "aws.operatorCidrs[0]", "203.0.113.7/24", "write 203.0.113.0/24"],
	["an operator's network that is none", (c) => { c.aws.operatorCidrs = ["203.0.113.7"]; }, "aws.operatorCidrs[0]", "203.0.113.7", "IPv4 network"],
	["a VPC larger than AWS makes", (c) => { c.aws.cidr = "192.0.0.0/8"; }, "aws.cidr", "192.0.0.0/8", "/16 to /28"],
	["a VPC written by an address in it", (c) => { c.aws.cidr = "192.168.1.0/16"; }, "aws.cidr", "192.168.1.0/16", "write 192.168.0.0/16"],
	["overlapping subnets", (c) => { c.aws.subnets.push({ name: "more", cidr: "192.168.3.128/25", zone: "c" }); }, "aws.subnets[4].cidr", "192.168.3.128/25", "overlaps aws.subnets[3].cidr = 192.168.3.0/24"],
	["a subnet outside of the VPC", (c) => { c.aws.subnets.push({ name: "more", cidr: "10.0.0.0/24", zone: "c" }); }, "aws.subnets[4].cidr", "10.0.0.0/24", "lies outside of aws.cidr = 192.168.0.0/16"],
	["a subnet too small for AWS", (c) => { c.aws.subnets.push({ name: "more", cidr: "192.168.4.0/29", zone: "c" }); }, "aws.subnets[4].cidr", "192.168.4.0/29", "/16 to /28"],
	["a subnet written by an address in it", (c) => { c.aws.subnets[3].cidr = "192.168.3.5/24"; }, "aws.subnets[3].cidr", "192.168.3.5/24", "write 192.168.3.0/24"],
	["two subnets of one name", (c) => { c.aws.subnets[3].name = "logs"; }, "aws.subnets[3].name", "logs", "another subnet has this name"],
	["subnets in one zone only", (c) => { c.aws.subnets[3].zone = "a"; }, "aws.subnets", ["a"], "spread them over two"],
	["a zone with its region", (c) => { c.aws.subnets[3].zone = "ap-northeast-2c"; }, "aws.subnets[3].zone", "ap-northeast-2c", "use the letter"],
	["a subnet's ID without an existing VPC", (c) => { c.aws.subnets[1].id = "subnet-0a"; }, "aws.subnets[1].id", "subnet-0a", "is for an existing VPC"],
	["an existing VPC with a subnet without ID", (c) => { existingVpc(c); delete c.aws.subnets[1].id; }, "aws.subnets[1].id", undefined, "is missing: in an existing VPC"],
	["a VPC's ID that is none", (c) => { existingVpc(c); c.aws.vpcId = "my-vpc"; }, "aws.vpcId", "my-vpc", "use a VPC's ID"],
	["an address outside of its subnets", (c) => { c.hosts[2].address = "192.168.9.5"; }, "hosts[2].address", "192.168.9.5", "lies in none of aws.subnets (public 192.168.0.0/24, logs"],
	["an address that AWS keeps at the start", (c) => { c.hosts[2].address = "192.168.3.3"; }, "hosts[2].address", "192.168.3.3", "AWS keeps the first four addresses and the last of 192.168.3.0/24"],
	["an address that AWS keeps at the end", (c) => { c.hosts[2].address = "192.168.3.255"; }, "hosts[2].address", "192.168.3.255", "AWS keeps the first four"],
	["NGINX in a private subnet", (c) => { c.hosts[4].address = "192.168.1.10"; }, "hosts[4].address", "192.168.1.10", "subnet logs is private"],
	["another host in the public subnet", (c) => { c.hosts[3].address = "192.168.0.20"; }, "hosts[3].address", "192.168.0.20", "subnet public is public"],
	["a login for an instance", (c) => { c.hosts[0].ssh = { hostKey }; }, "hosts[0].ssh", undefined, "an instance gets its own"],
	["an image of no known family", (c) => { c.aws.image = "centos-7"; }, "aws.image", "centos-7", "use one of ubuntu-26.04"],
	["an image's ID that is none", (c) => { c.aws.amiId = "ubuntu"; }, "aws.amiId", "ubuntu", "use an image's ID"],
	["an instance type that is none", (c) => { c.hosts[1].instanceType = "large"; }, "hosts[1].instanceType", "large", "use an instance type"],
	["a key that is no ARN", (c) => { c.aws.kmsKeyArn = "alias/logs"; }, "aws.kmsKeyArn", "alias/logs", "use a key's ARN"],
	["the service on a port of the web", (c) => { was(c).publish.published = 443; }, "services.babble-was.publish.published", 443, "is open to the world for NGINX"],
	["NGINX on sshd's port", (c) => { c.nginx.listen = 22; }, "nginx.listen", 22, "is sshd's port"],
	["the service on sshd's port", (c) => { was(c).publish.published = 22; }, "services.babble-was.publish.published", 22, "is sshd's port"],
	["more roles than security groups fit", (c) => { c.hosts[4].roles = ["balancer", "manager", "app", "log", "registry"]; c.hosts.splice(3, 1); c.hosts[0].roles = ["worker", "app"]; }, "hosts[3].roles", ["balancer", "manager", "app", "log", "registry"], "takes five security groups"],
	["a retention that CloudWatch does not offer", (c) => { c.logs.shipping = { retentionDays: 31 }; }, "logs.shipping.retentionDays", 31, "use one of 1, 3, 5"],
];

describe("a fault of hosts in EC2 is told by property, value and remedy", () => {
	test.each(rows)("%s", (_fault, spoil, property, value, remedy) => {
		const config = prodConfig();
		spoil(config);
		expect(faultsOf(config)).toEqual([{ property, ...(value !== undefined && { value }), remedy: expect.stringContaining(remedy) }]);
	});

	// biome-ignore format: one fault a row
	const elsewhere: [string, (config: Raw) => void, string][] = [
		["an instance type", (c) => { c.hosts[0].instanceType = "t3.small"; }, "hosts[0].instanceType"],
		["a revision of the image", (c) => { c.hosts[0].imageRevision = 0; }, "hosts[0].imageRevision"],
		["logs shipped to CloudWatch", (c) => { c.logs = { shipping: {} }; }, "logs.shipping"],
	];
	test.each(elsewhere)("%s is for hosts in EC2 only", (_what, spoil, property) => {
		const config = labConfig();
		spoil(config);
		expect(faultsOf(config)).toMatchObject([{ property, remedy: expect.stringContaining("is for source: aws") }]);
	});
});

describe("what is valid is accepted", () => {
	test("the prod stack's own configuration: the source system in EC2", () => {
		const { aws, hosts } = prodTopology();
		expect(hosts.map(({ address }) => address)).toEqual(["192.168.2.137", "192.168.2.142", "192.168.3.5", "192.168.1.20", "192.168.0.10"]);
		expect(new Set(aws.subnets.map(({ zone }) => zone)).size).toBeGreaterThanOrEqual(2);
	});

	test("its subnets are the default ones", () => {
		const changed = prodTopology((config) => {
			delete config.aws.subnets;
			delete config.aws.cidr;
		});
		expect(changed.aws).toEqual(prodTopology().aws);
	});

	test("an existing VPC of any network", () => {
		expect(faultsOf({ ...prodConfig(), ...withVpc() })).toEqual([]);
	});

	test.each(["us-east-1", "eu-central-2", "us-gov-west-1", "cn-northwest-1", "ap-southeast-5", "us-iso-east-1"])(
		"the region %s",
		(region) => {
			expect(prodTopology((config) => Object.assign(config.aws, { region })).aws.region).toBe(region);
		},
	);
});

function withVpc(): Raw {
	const config = prodConfig();
	existingVpc(config);
	config.aws.cidr = "10.0.0.0/8";
	return config;
}
