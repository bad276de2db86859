import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Hosts } from "../../../../../components/hosts.ts";
import { PolicyError, policyFaults } from "../../../../../components/sources/aws/policy.ts";
import { Recorder } from "../../../../support/mocks.ts";
import type { Raw } from "../../../fixtures.ts";
import { prodArgs, prodSource } from "./support.ts";

/* Each mistake is planted in the program's own resources, by a transformation that acts before the policy looks. */

let recorder: Recorder;
beforeEach(async () => {
	recorder = new Recorder();
	await recorder.start("swarm-scaleout", "prod");
});
afterEach(() => pulumi.runtime.disconnect());

/** Makes the prod stack's hosts, with some properties of one resource replaced. */
function hostsWith(resource: string, planted: Raw): Hosts {
	const plant: pulumi.ResourceTransformation = ({ type, name, props, opts }) =>
		resource === `${type.split(":").at(-1)} ${name.replace("hosts-", "")}` ? { props: { ...props, ...planted }, opts } : undefined;
	return new Hosts("hosts", { source: prodSource() }, { transformations: [plant] });
}

function refusal(make: () => void): string {
	try {
		make();
	} catch (error) {
		expect(error).toBeInstanceOf(PolicyError);
		return (error as PolicyError).message;
	}
	throw new Error("not refused");
}

const instance = { encrypted: true, volumeType: "gp3" };
const metadata = { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 };
const ssh = "SecurityGroupIngressRule balancer-in-tcp-22-from-203.0.113.7-32";
const published = "SecurityGroupIngressRule app-in-tcp-8080-from-balancer";

// biome-ignore format: one mistake a row
const mistakes: [string, string, Raw, string][] = [
	["SSH open to the world", ssh, { cidrIpv4: "0.0.0.0/0" }, 'cidrIpv4 = "0.0.0.0/0": opens SSH (22) to the world'],
	["SSH open to the world over IPv6", ssh, { cidrIpv4: undefined, cidrIpv6: "::/0" }, 'cidrIpv6 = "::/0": opens SSH (22) to the world'],
	["SSH open to half of the world", ssh, { cidrIpv4: "128.0.0.0/1" }, 'cidrIpv4 = "128.0.0.0/1": opens SSH (22) to the world'],
	["SSH among the ports of a range", ssh, { cidrIpv4: "0.0.0.0/0", fromPort: 1, toPort: 79 }, "opens SSH (22) to the world"],
	["every port open to the world", ssh, { cidrIpv4: "0.0.0.0/0", ipProtocol: "-1", fromPort: undefined, toPort: undefined }, "opens SSH (22) to the world"],
	["the service's port open to the world", published, { referencedSecurityGroupId: undefined, cidrIpv4: "0.0.0.0/0" }, "opens the service's own port (8080) to the world"],
	["an open rule within a group", "SecurityGroup log-group", { ingress: [{ protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"] }] }, 'ingress[0].cidrIpv4 = "0.0.0.0/0": opens SSH'],
	["IMDSv1", "Instance worker1", { metadataOptions: { ...metadata, httpTokens: "optional" } }, 'metadataOptions.httpTokens = "optional": allows IMDSv1'],
	["IMDSv1, by saying nothing", "Instance worker1", { metadataOptions: undefined }, "metadataOptions.httpTokens: allows IMDSv1"],
	["metadata within reach of containers", "Instance worker1", { metadataOptions: { ...metadata, httpPutResponseHopLimit: 2 } }, "metadataOptions.httpPutResponseHopLimit = 2: lets containers read"],
	["an unencrypted root volume", "Instance nginx", { rootBlockDevice: { ...instance, encrypted: false } }, "rootBlockDevice.encrypted = false: leaves the volume unencrypted"],
	["a root volume that does not say", "Instance nginx", { rootBlockDevice: undefined }, "rootBlockDevice.encrypted: leaves the volume unencrypted"],
	["a further volume without encryption", "Instance log", { ebsBlockDevices: [{ deviceName: "/dev/sdg" }] }, "ebsBlockDevices[0].encrypted: leaves the volume unencrypted"],
	["an unencrypted data volume", "Volume log-volume", { encrypted: undefined }, "encrypted: leaves the volume unencrypted"],
	["a public address in a private subnet", "Instance manager", { associatePublicIpAddress: true }, "associatePublicIpAddress = true: gives a private host a public address"],
	["a subnet that gives everyone an address", "Subnet subnet-logs", { mapPublicIpOnLaunch: true }, "mapPublicIpOnLaunch = true: gives every host in hosts-subnet-logs a public address"],
];

describe("the security policy refuses", () => {
	test.each(mistakes)("%s", (_mistake, resource, planted, message) => {
		const [type, name] = resource.split(" ");
		const error = refusal(() => hostsWith(resource, planted));
		expect(error).toContain(message);
		expect(error).toMatch(new RegExp(`refuses hosts-${name} \\(aws:.*:${type}\\)`));
	});

	test("the resource itself: it is never registered, and nothing made after it", async () => {
		expect(() => hostsWith(ssh, { cidrIpv4: "0.0.0.0/0" })).toThrow(PolicyError);
		await pulumi.runtime.disconnect();
		const names = recorder.resources.map(({ name }) => name);
		expect(names).toContain("hosts-vpc");
		expect(names).not.toContain("hosts-balancer-in-tcp-22-from-203.0.113.7-32");
		expect(recorder.ofType(":Instance")).toEqual([]);
	});

	test("a rule written the old way", () => {
		const type = "aws:ec2/securityGroupRule:SecurityGroupRule";
		const rule = { type: "ingress", protocol: "tcp", fromPort: 0, toPort: 65535, ipv6CidrBlocks: ["::/0"] };
		expect(policyFaults(type, "x", rule, prodArgs())).toMatchObject([
			{ property: "cidrIpv6", remedy: expect.stringContaining("SSH") },
			{ property: "cidrIpv6", remedy: expect.stringContaining("8080") },
		]);
		expect(policyFaults(type, "x", { ...rule, type: "egress" }, prodArgs())).toEqual([]);
	});

	test("a value that is known only later: it could not be seen at preview", () => {
		const error = refusal(() => hostsWith("Volume log-volume", { encrypted: pulumi.output(true) }));
		expect(error).toContain("encrypted: is known only after it is decided on");
	});
});

test("the prod stack itself is not refused", () => {
	expect(() => new Hosts("hosts", { source: prodSource() })).not.toThrow();
});

test.each([
	["the web, to everyone", { cidrIpv4: "0.0.0.0/0", ipProtocol: "tcp", fromPort: 443, toPort: 443 }],
	["SSH, to networks of one's own", { cidrIpv4: "10.0.0.0/8", ipProtocol: "tcp", fromPort: 22, toPort: 22 }],
	["UDP of the same number", { cidrIpv4: "0.0.0.0/0", ipProtocol: "udp", fromPort: 22, toPort: 22 }],
])("what is safe is let through: %s", (_what, rule) => {
	expect(policyFaults("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "x", rule, prodArgs())).toEqual([]);
});
