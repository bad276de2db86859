import * as pulumi from "@pulumi/pulumi";
import { describeFault, type Fault } from "../../../lib/fault.ts";
import { ProgramError } from "../../../lib/programError.ts";
import type { AwsArgs } from "./index.ts";

// biome-ignore lint/suspicious/noExplicitAny: properties of any resource
type Props = Record<string, any>;

/** A resource that is about to be created is not safe. */
export class PolicyError extends ProgramError {
	constructor(resource: string, faults: Fault[]) {
		super(`the security policy refuses ${resource}:\n${faults.map(describeFault).join("\n")}`);
		this.name = "PolicyError";
	}
}

/** What the checks depend on: public hosts, and ports that must not be reachable from outside. */
type Allowed = Pick<AwsArgs, "hosts" | "ports">;

/** For one kind of resource: the properties that are checked, and the faults in them. */
interface Check {
	reads: string[];
	faults(props: Props, name: string, given: Allowed): Fault[];
}

const checks: Record<string, Check> = {
	"aws:ec2/instance:Instance": {
		reads: ["metadataOptions", "rootBlockDevice", "ebsBlockDevices", "associatePublicIpAddress", "privateIp"],
		faults: instanceFaults,
	},
	"aws:ebs/volume:Volume": { reads: ["encrypted"], faults: (props) => unencrypted("encrypted", props) },
	"aws:ec2/subnet:Subnet": { reads: ["mapPublicIpOnLaunch"], faults: subnetFaults },
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
		reads: ["cidrIpv4", "cidrIpv6", "ipProtocol", "fromPort", "toPort"],
		faults: (props, _name, given) => openingFaults("", opening([props.cidrIpv4, props.cidrIpv6], props.ipProtocol, props), given),
	},
	// The two older ways to write a rule, which this project does not use.
	"aws:ec2/securityGroupRule:SecurityGroupRule": {
		reads: ["type", "cidrBlocks", "ipv6CidrBlocks", "protocol", "fromPort", "toPort"],
		faults: (props, _name, given) => (props.type === "ingress" ? openingFaults("", blocks(props), given) : []),
	},
	"aws:ec2/securityGroup:SecurityGroup": {
		reads: ["ingress"],
		faults: ({ ingress = [] }, _name, given) =>
			ingress.flatMap((rule: Props, i: number) => openingFaults(`ingress[${i}].`, blocks(rule), given)),
	},
};

/** The faults of a resource that is about to be created. Pure. */
export function policyFaults(type: string, name: string, props: Props, given: Allowed): Fault[] {
	return checks[type]?.faults(props, name, given) ?? [];
}

/**
 * Refuses a resource, before it reaches the engine, that would open SSH or the service to the world, store data unencrypted, let containers or
 * forged requests read an instance's metadata, or give a private host a public address. It checks the resource itself, whatever the
 * configuration says.
 *
 * @throws PolicyError naming resource, property, value and remedy.
 */
export function securityPolicy(given: Allowed): pulumi.ResourceTransformation {
	return ({ type, name, props }) => {
		const reads = checks[type]?.reads ?? [];
		const later = reads.filter((key) => isLater(props[key]));
		const faults =
			later.length > 0
				? later.map((property) => ({ property, remedy: "is known only after it is decided on: give a plain value" }))
				: policyFaults(type, name, props, given);
		if (faults.length > 0) throw new PolicyError(`${name} (${type})`, faults);
		return undefined;
	};
}

/** Whether any part of the value is only known later. */
function isLater(value: unknown): boolean {
	if (pulumi.Output.isInstance(value) || value instanceof Promise) return true;
	return value !== null && typeof value === "object" && Object.values(value).some(isLater);
}

function instanceFaults(
	{ metadataOptions, rootBlockDevice, ebsBlockDevices = [], associatePublicIpAddress, privateIp }: Props,
	_name: string,
	given: Allowed,
): Fault[] {
	const { httpEndpoint, httpTokens, httpPutResponseHopLimit } = metadataOptions ?? {};
	const faults: Fault[] = [];
	if (httpEndpoint !== "disabled" && httpTokens !== "required")
		faults.push({
			property: "metadataOptions.httpTokens",
			value: httpTokens,
			remedy: "allows IMDSv1, which any request forged on the host can ask: use required",
		});
	if (httpEndpoint !== "disabled" && httpPutResponseHopLimit !== 1)
		faults.push({
			property: "metadataOptions.httpPutResponseHopLimit",
			value: httpPutResponseHopLimit,
			remedy: "lets containers read the host's metadata: use 1",
		});
	faults.push(...unencrypted("rootBlockDevice.encrypted", rootBlockDevice));
	ebsBlockDevices.forEach((device: Props, i: number) => {
		faults.push(...unencrypted(`ebsBlockDevices[${i}].encrypted`, device));
	});
	if (associatePublicIpAddress && !given.hosts.some(({ address, roles }) => address === privateIp && roles.includes("balancer")))
		faults.push({ property: "associatePublicIpAddress", value: true, remedy: "gives a private host a public address: remove it" });
	return faults;
}

function unencrypted(property: string, device: Props | undefined): Fault[] {
	if (device?.encrypted === true) return [];
	return [{ property, value: device?.encrypted, remedy: "leaves the volume unencrypted: use true" }];
}

function subnetFaults({ mapPublicIpOnLaunch }: Props, name: string): Fault[] {
	if (!mapPublicIpOnLaunch) return [];
	return [{ property: "mapPublicIpOnLaunch", value: true, remedy: `gives every host in ${name} a public address: remove it` }];
}

/** What a rule opens, and to whom. */
interface Opening {
	cidrs: string[];
	covers(port: number): boolean;
}

function opening(cidrs: (string | undefined)[], protocol: string | number, { fromPort, toPort }: Props): Opening {
	const isAll = `${protocol}` === "-1";
	const known = cidrs.filter((cidr) => cidr !== undefined);
	// TCP by name or number; a rule without ports covers all of them.
	const isTcp = ["tcp", "6"].includes(`${protocol}`);
	return { cidrs: known, covers: (port) => isAll || (isTcp && (fromPort ?? 0) <= port && port <= (toPort ?? 65535)) };
}

const blocks = (rule: Props) => opening([...(rule.cidrBlocks ?? []), ...(rule.ipv6CidrBlocks ?? [])], rule.protocol, rule);

function openingFaults(at: string, { cidrs, covers }: Opening, { ports }: Allowed): Fault[] {
	const guarded: [number, string][] = [[22, "SSH"], ...ports.published.map((port): [number, string] => [port, "the service's own port"])];
	return cidrs.filter(isWorld).flatMap((cidr) =>
		guarded
			.filter(([port]) => covers(port))
			.map(([port, what]) => ({
				property: `${at}${cidr.includes(":") ? "cidrIpv6" : "cidrIpv4"}`,
				value: cidr,
				remedy: `opens ${what} (${port}) to the world: name a security group or your own networks`,
			})),
	);
}

/** Whether a network is too large to be anyone's own: two rules, each for half the Internet, would open it all. */
function isWorld(cidr: string): boolean {
	return Number(cidr.split("/")[1] ?? 128) < (cidr.includes(":") ? 16 : 8);
}
