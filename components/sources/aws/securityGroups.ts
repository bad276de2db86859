import type * as pulumi from "@pulumi/pulumi";
import { registryPort } from "../../../lib/registry.ts";
import type { Role } from "../../../lib/roles.ts";
import type { Account } from "./account.ts";
import type { AwsArgs } from "./index.ts";
import { SecurityGroup, SecurityGroupEgressRule, SecurityGroupIngressRule } from "./sdk.ts";

/** The groups that hosts belong to by their roles. */
const purposes = {
	swarm: "Nodes of the swarm",
	manager: "Managers of the swarm",
	app: "Nodes that run the service",
	log: "The host that collects the logs",
	balancer: "The load balancer and bastion",
	registry: "The registry of images",
} as const;

export type Group = keyof typeof purposes;

/** One kind of traffic that is allowed. All other is denied. */
export interface Rule {
	group: Group;
	direction: "in" | "out";
	/** `all`: any protocol and port. */
	protocol: "tcp" | "udp" | "all";
	/** Absent for `all`. */
	port?: number;
	/** The other end: a group, or a network. */
	peer: Group | { cidr: string };
	/** Why, as shown in the AWS console. */
	purpose: string;
}

const world = { cidr: "0.0.0.0/0" };

/** The groups of a host. */
export function groupsOf(roles: Role[]): Group[] {
	const own = roles.filter((role) => role !== "worker");
	return roles.includes("manager") || roles.includes("worker") ? ["swarm", ...own] : own;
}

/** All traffic allowed in this topology, as a table. Pure. */
export function securityRules({ aws, hosts, ports }: Pick<AwsArgs, "aws" | "hosts" | "ports">): Rule[] {
	const groups = groupsIn(hosts);
	const behind = groups.filter((group) => ["swarm", "log", "registry"].includes(group));
	const entry = (group: Group, protocol: "tcp" | "udp", port: number, peer: Rule["peer"], purpose: string): Rule => ({
		group,
		direction: "in",
		protocol,
		port,
		peer,
		purpose,
	});
	const exit = (group: Group, port: number, peer: Rule["peer"], purpose: string): Rule => ({
		group,
		direction: "out",
		protocol: "tcp",
		port,
		peer,
		purpose,
	});
	const rules: Rule[] = [
		entry("manager", "tcp", 2377, "swarm", "Swarm management"),
		entry("swarm", "tcp", 7946, "swarm", "Swarm gossip"),
		entry("swarm", "udp", 7946, "swarm", "Swarm gossip"),
		entry("swarm", "udp", ports.overlay, "swarm", "Overlay networks"),
		...ports.published.map((port) => entry("app", "tcp", port, "balancer", "The service, from NGINX")),
		...ports.peers.map((port) => entry("app", "tcp", port, "app", "Whether another node serves")),
		entry("log", "tcp", 2049, "app", "NFS export of the logs"),
		entry("registry", "tcp", registryPort, "swarm", "Images"),
		...ports.web.map((port) => entry("balancer", "tcp", port, world, "The web")),
		...[...new Set(aws.operatorCidrs)].map((cidr) => entry("balancer", "tcp", 22, { cidr }, "SSH of operators")),
		...behind.map((group) => entry(group, "tcp", 22, "balancer", "SSH through the bastion")),
		// The application needs its database, and possibly anything else.
		{ group: "swarm", direction: "out", protocol: "all", peer: world, purpose: "Packages, images, and what the service talks to" },
		...ports.published.map((port) => exit("balancer", port, "app", "The service")),
		...behind.map((group) => exit("balancer", 22, group, "SSH through the bastion")),
		...groups
			.filter((group) => ["balancer", "log", "registry"].includes(group))
			.flatMap((group) => [80, 443].map((port) => exit(group, port, world, "Packages"))),
	];
	return rules.filter(({ group, peer }) => groups.includes(group) && (typeof peer !== "string" || groups.includes(peer)));
}

/** The name of a rule's resource, which tells its content: `manager-in-tcp-2377-from-swarm`. */
export function ruleName({ group, direction, protocol, port, peer }: Rule): string {
	const other = typeof peer === "string" ? peer : peer.cidr === world.cidr ? "world" : peer.cidr.replace("/", "-");
	return [group, direction, protocol, port, direction === "in" ? "from" : "to", other].filter((part) => part !== undefined).join("-");
}

export interface SecurityGroups {
	groups: Record<Group, SecurityGroup>;
	/** What connects to a host waits for these, and is deleted before them. */
	rules: pulumi.Resource[];
}

/** Creates the groups and their rules, one resource per rule, so that a change of one does not touch the others. */
export function securityGroups(args: AwsArgs, vpcId: pulumi.Input<string>, { named, opts, tags }: Account): SecurityGroups {
	const groups = Object.fromEntries(
		groupsIn(args.hosts).map((name) => [
			name,
			new SecurityGroup(named(`${name}-group`), { vpcId, description: purposes[name], revokeRulesOnDelete: true, tags: tags(name) }, opts),
		]),
	) as Record<Group, SecurityGroup>;
	const rules = securityRules(args).map((rule) => {
		const { group, direction, protocol, port, peer, purpose } = rule;
		const name = ruleName(rule);
		const args = {
			securityGroupId: groups[group].id,
			ipProtocol: protocol === "all" ? "-1" : protocol,
			...(port !== undefined && { fromPort: port, toPort: port }),
			...(typeof peer === "string" ? { referencedSecurityGroupId: groups[peer].id } : { cidrIpv4: peer.cidr }),
			description: purpose,
			tags: tags(name),
		};
		return direction === "in"
			? new SecurityGroupIngressRule(named(name), args, opts)
			: new SecurityGroupEgressRule(named(name), args, opts);
	});
	return { groups, rules };
}

function groupsIn(hosts: AwsArgs["hosts"]): Group[] {
	const present = new Set(hosts.flatMap(({ roles }) => groupsOf(roles)));
	return (Object.keys(purposes) as Group[]).filter((group) => present.has(group));
}
