import { beforeAll, describe, expect, test } from "vitest";
import { groupsOf, ruleName, securityRules } from "../../../../../components/sources/aws/securityGroups.ts";
import type { Recorder } from "../../../../support/mocks.ts";
import type { Raw } from "../../../fixtures.ts";
import { was } from "../../../fixtures.ts";
import { prodArgs, recordHosts, tagged } from "./support.ts";

const namesWith = (change?: (config: Raw) => void) => securityRules(prodArgs(change)).map(ruleName);

describe("what is open", () => {
	test("in the source system's topology, and nothing else", () => {
		expect(namesWith()).toEqual([
			"manager-in-tcp-2377-from-swarm",
			"swarm-in-tcp-7946-from-swarm",
			"swarm-in-udp-7946-from-swarm",
			"swarm-in-udp-4789-from-swarm",
			"app-in-tcp-8080-from-balancer",
			"app-in-tcp-8080-from-app",
			"app-in-tcp-7947-from-app",
			"log-in-tcp-2049-from-app",
			"balancer-in-tcp-80-from-world",
			"balancer-in-tcp-443-from-world",
			"balancer-in-tcp-22-from-203.0.113.7-32",
			"swarm-in-tcp-22-from-balancer",
			"log-in-tcp-22-from-balancer",
			"swarm-out-all-to-world",
			"balancer-out-tcp-8080-to-app",
			"balancer-out-tcp-22-to-swarm",
			"balancer-out-tcp-22-to-log",
			"log-out-tcp-80-to-world",
			"log-out-tcp-443-to-world",
			"balancer-out-tcp-80-to-world",
			"balancer-out-tcp-443-to-world",
		]);
	});

	test("app nodes ask one another whether they serve, and only where they take turns", () => {
		const peers = (change?: (config: Raw) => void) =>
			namesWith(change).filter((name) => name.endsWith("-from-app") && name.startsWith("app"));
		const ports = { publish: { published: 9090 }, rollout: { peerPort: 9947 } };
		expect(peers((config) => Object.assign(was(config), ports))).toEqual(["app-in-tcp-9090-from-app", "app-in-tcp-9947-from-app"]);
		expect(peers((config) => Object.assign(was(config), { rollout: { strategy: "swarm" } }))).toEqual([]);
		expect(peers((config) => Object.assign(was(config), { publish: { mode: "ingress" } }))).toEqual([]);
	});

	test("a registry of the stack is reached by the nodes, and by SSH through the bastion", () => {
		const added = namesWith((config) => config.hosts.push({ name: "images", roles: ["registry"], address: "192.168.1.30" }));
		expect(added.filter((name) => !namesWith().includes(name))).toEqual([
			"registry-in-tcp-5000-from-swarm",
			"registry-in-tcp-22-from-balancer",
			"balancer-out-tcp-22-to-registry",
			"registry-out-tcp-80-to-world",
			"registry-out-tcp-443-to-world",
		]);
	});

	test("the ports follow the configuration", () => {
		const names = namesWith((config) => {
			was(config).publish.published = 9090;
			config.swarm = { dataPathPort: 4790 };
			config.nginx.listen = 8081;
			config.aws.operatorCidrs = ["198.51.100.0/24", "203.0.113.7/32", "203.0.113.7/32"];
		});
		expect(names).toEqual(
			expect.arrayContaining(["app-in-tcp-9090-from-balancer", "swarm-in-udp-4790-from-swarm", "balancer-in-tcp-8081-from-world"]),
		);
		expect(names.filter((name) => name.startsWith("balancer-in-tcp-22"))).toEqual([
			"balancer-in-tcp-22-from-198.51.100.0-24",
			"balancer-in-tcp-22-from-203.0.113.7-32",
		]);
		expect(new Set(names).size).toBe(names.length);
	});

	test("the world reaches the web and nothing else", () => {
		const worldly = securityRules(prodArgs()).filter(
			({ direction, peer }) => direction === "in" && typeof peer !== "string" && peer.cidr === "0.0.0.0/0",
		);
		expect(worldly.map(({ group, port }) => [group, port])).toEqual([
			["balancer", 80],
			["balancer", 443],
		]);
	});
});

test.each([
	[
		["manager", "app"],
		["swarm", "manager", "app"],
	],
	[
		["worker", "app"],
		["swarm", "app"],
	],
	[["worker"], ["swarm"]],
	[
		["log", "registry"],
		["log", "registry"],
	],
	[["balancer"], ["balancer"]],
] as const)("a host with the roles %j is in the groups %j", (roles, groups) => {
	expect(groupsOf([...roles])).toEqual(groups);
});

describe("the resources", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts();
	});

	test("are one group a purpose, and one resource a rule", () => {
		const groups = recorder.ofType("ec2/securityGroup:SecurityGroup");
		expect(groups.map(({ name }) => name).sort()).toEqual(
			["app", "balancer", "log", "manager", "swarm"].map((name) => `hosts-${name}-group`),
		);
		// A group's own rules would fight with those beside it.
		for (const { inputs } of groups) expect(Object.keys(inputs).filter((key) => /gress/.test(key))).toEqual([]);
		expect(recorder.find("hosts-swarm-group").inputs).toEqual({
			vpcId: "id-of-hosts-vpc",
			description: "Nodes of the swarm",
			revokeRulesOnDelete: true,
			tags: tagged("swarm"),
		});
		const rules = recorder.ofType("gressRule").map(({ name }) => name);
		expect(rules.sort()).toEqual(
			namesWith()
				.map((name) => `hosts-${name}`)
				.sort(),
		);
	});

	test("a rule between groups names the other group, a rule to a network the network", () => {
		expect(recorder.find("hosts-log-in-tcp-2049-from-app", ":SecurityGroupIngressRule").inputs).toEqual({
			securityGroupId: "id-of-hosts-log-group",
			referencedSecurityGroupId: "id-of-hosts-app-group",
			ipProtocol: "tcp",
			fromPort: 2049,
			toPort: 2049,
			description: "NFS export of the logs",
			tags: tagged("log-in-tcp-2049-from-app"),
		});
		expect(recorder.find("hosts-balancer-in-tcp-22-from-203.0.113.7-32", ":SecurityGroupIngressRule").inputs).toMatchObject({
			securityGroupId: "id-of-hosts-balancer-group",
			cidrIpv4: "203.0.113.7/32",
			fromPort: 22,
			toPort: 22,
		});
		expect(recorder.find("hosts-swarm-out-all-to-world", ":SecurityGroupEgressRule").inputs).toEqual({
			securityGroupId: "id-of-hosts-swarm-group",
			cidrIpv4: "0.0.0.0/0",
			ipProtocol: "-1",
			description: "Packages, images, and what the service talks to",
			tags: tagged("swarm-out-all-to-world"),
		});
	});
});
