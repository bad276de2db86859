import { Address4 } from "ip-address";
import { subnetOf } from "../../lib/aws.ts";
import type { Fault } from "../../lib/fault.ts";
import { servicesOf, type Topology } from "../schema.ts";

/** Shortest prefix of a network that can still be an owner's, and not the whole Internet. */
const widestPrefix = 8;

/** Rules of hosts in EC2. */
export function awsFaults(topology: Topology): Fault[] {
	const { source, hosts, logs } = topology;
	if (source === "aws")
		return [...settingFaults(topology), ...subnetFaults(topology), ...placementFaults(topology), ...portFaults(topology)];
	const faults: Fault[] = [];
	const remedy = "is for source: aws: remove it";
	hosts.forEach((host, i) => {
		if (host.instanceType) faults.push({ property: `hosts[${i}].instanceType`, value: host.instanceType, remedy });
		if (host.imageRevision !== undefined) faults.push({ property: `hosts[${i}].imageRevision`, value: host.imageRevision, remedy });
	});
	if (logs.shipping)
		faults.push({ property: "logs.shipping", remedy: "is for source: aws, where the log host has rights to write: remove it" });
	return faults;
}

function settingFaults({ aws, hosts }: Topology): Fault[] {
	const faults: Fault[] = [];
	if (!aws.region) faults.push({ property: "aws.region", remedy: "is missing: name the region, such as ap-northeast-2" });
	if (aws.operatorCidrs.length === 0) {
		faults.push({
			property: "aws.operatorCidrs",
			remedy: "is empty: name the networks that pulumi and operators come from, such as 203.0.113.7/32",
		});
	}
	aws.operatorCidrs.forEach((cidr, i) => {
		if (new Address4(cidr).subnetMask < widestPrefix)
			faults.push({
				property: `aws.operatorCidrs[${i}]`,
				value: cidr,
				remedy: `opens SSH to the world: name your own networks, /${widestPrefix} or narrower`,
			});
	});
	if (!aws.vpcId) faults.push(...rangeFaults("aws.cidr", aws.cidr));
	hosts.forEach((host, i) => {
		if (host.ssh) faults.push({ property: `hosts[${i}].ssh`, remedy: "is for existing hosts: remove it, an instance gets its own" });
	});
	return [...faults, ...aws.operatorCidrs.flatMap((cidr, i) => canonicalFaults(`aws.operatorCidrs[${i}]`, cidr))];
}

/** The address must be the network's first one: AWS refuses, or silently rewrites, any other. */
function canonicalFaults(property: string, cidr: string): Fault[] {
	const network = new Address4(cidr);
	const canonical = `${network.startAddress().correctForm()}/${network.subnetMask}`;
	return canonical === cidr ? [] : [{ property, value: cidr, remedy: `has bits past its prefix: write ${canonical}` }];
}

/** Networks of VPCs and subnets are /16 to /28. */
function rangeFaults(property: string, cidr: string): Fault[] {
	const prefix = new Address4(cidr).subnetMask;
	const size = prefix < 16 || prefix > 28 ? [{ property, value: cidr, remedy: "AWS takes /16 to /28 here: choose another size" }] : [];
	return [...size, ...canonicalFaults(property, cidr)];
}

function subnetFaults({ aws }: Topology): Fault[] {
	const faults: Fault[] = [];
	const networks = aws.subnets.map(({ cidr }) => new Address4(cidr));
	aws.subnets.forEach(({ name, cidr, id }, i) => {
		const at = `aws.subnets[${i}]`;
		faults.push(...rangeFaults(`${at}.cidr`, cidr));
		const own = networks[i] as Address4;
		const earlier = networks.findIndex((network, j) => j < i && (network.isInSubnet(own) || own.isInSubnet(network)));
		if (earlier >= 0)
			faults.push({
				property: `${at}.cidr`,
				value: cidr,
				remedy: `overlaps aws.subnets[${earlier}].cidr = ${aws.subnets[earlier]?.cidr}: choose another`,
			});
		if (!aws.vpcId && !own.isInSubnet(new Address4(aws.cidr)))
			faults.push({ property: `${at}.cidr`, value: cidr, remedy: `lies outside of aws.cidr = ${aws.cidr}: choose another` });
		if (aws.subnets.findIndex((other) => other.name === name) < i)
			faults.push({ property: `${at}.name`, value: name, remedy: "another subnet has this name: each needs its own" });
		if (aws.vpcId && !id) faults.push({ property: `${at}.id`, remedy: "is missing: in an existing VPC each subnet needs its ID" });
		if (!aws.vpcId && id) faults.push({ property: `${at}.id`, value: id, remedy: "is for an existing VPC: remove it, or set aws.vpcId" });
	});
	const zones = [...new Set(aws.subnets.map(({ zone }) => zone))];
	if (zones.length < 2)
		faults.push({ property: "aws.subnets", value: zones, remedy: "all lie in one availability zone: spread them over two at least" });
	return faults;
}

function placementFaults(topology: Topology): Fault[] {
	const { aws, hosts } = topology;
	return hosts.flatMap((host, i): Fault[] => {
		const property = `hosts[${i}].address`;
		const value = host.address;
		const subnet = subnetOf(aws.subnets, host.address);
		if (!subnet) {
			const known = aws.subnets.map(({ name, cidr }) => `${name} ${cidr}`).join(", ");
			return [{ property, value, remedy: `lies in none of aws.subnets (${known}): choose an address there, or add a subnet` }];
		}
		const [network, number] = [new Address4(subnet.cidr), new Address4(host.address).bigInt()];
		if (number - network.startAddress().bigInt() < 4n || number === network.endAddress().bigInt())
			return [{ property, value, remedy: `AWS keeps the first four addresses and the last of ${subnet.cidr}: choose another` }];
		const isFront = host.roles.includes("balancer");
		if (isFront && !subnet.public)
			return [
				{
					property,
					value,
					remedy: `the host with role balancer must be reached, and subnet ${subnet.name} is private: choose an address in a public one`,
				},
			];
		if (!isFront && subnet.public)
			return [
				{
					property,
					value,
					remedy: `subnet ${subnet.name} is public, which is for the host with role balancer alone: choose an address in a private one`,
				},
			];
		return [];
	});
}

/** The security policy decides by port what may be open to the world. */
function portFaults(topology: Topology): Fault[] {
	const { nginx } = topology;
	const worldly = [80, 443, nginx.listen];
	const faults: Fault[] = servicesOf(topology)
		.filter(({ publish }) => worldly.includes(publish.published))
		.map(({ name, publish }) => ({
			property: `services.${name}.publish.published`,
			value: publish.published,
			remedy: "this port is open to the world for NGINX, and the service's must never be: choose another, such as 8080",
		}));
	if (nginx.listen === 22) faults.push({ property: "nginx.listen", value: 22, remedy: "is sshd's port: choose another" });
	topology.hosts.forEach(({ roles }, i) => {
		if ((["manager", "app", "log", "balancer", "registry"] as const).every((role) => roles.includes(role)))
			faults.push({
				property: `hosts[${i}].roles`,
				value: roles,
				remedy: "an instance takes five security groups, and these roles need six: give one of them to another host",
			});
	});
	return faults;
}
