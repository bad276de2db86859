import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../lib/connection.ts";
import { SwarmCluster } from "../providers/swarm-cluster/resource.ts";
import { SwarmNode } from "../providers/swarm-node/resource.ts";
import { type Host, owner } from "./host.ts";
import { aliasesOf } from "./hostNames.ts";
import type { SwarmSettings } from "./settings/swarm.ts";

export interface SwarmArgs extends SwarmSettings {
	/** Those with role `manager` or `worker` are its nodes. The first manager initialises it. */
	hosts: Host[];
}

export interface SwarmMember {
	host: Host;
	node: SwarmNode;
}

/** The swarm: initialised on the first manager, joined by all other managers and workers. */
export class Swarm extends pulumi.ComponentResource {
	readonly clusterId: pulumi.Output<string>;
	readonly members: SwarmMember[];
	/** The first manager: the swarm is initialised there, and images are built there. */
	readonly manager: Host;
	/** Connections of all managers: any of them can answer for the swarm. */
	readonly managers: pulumi.Output<Connection[]>;

	constructor(name: string, { hosts, ...settings }: SwarmArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:Swarm", name, {}, opts);
		const managers = hosts.filter(({ roles }) => roles.includes("manager"));
		// With several managers the swarm outlives each of them.
		const [sole] = managers.length === 1 ? managers : [];
		this.manager = managers[0] as Host;
		this.managers = pulumi.all(managers.map(({ connection }) => connection));
		const cluster = new SwarmCluster(
			name,
			{
				managers: this.managers,
				advertiseAddress: this.manager.address,
				machineId: sole?.machine?.id,
				soleAddress: sole?.address,
				owner: owner(),
				...settings,
			},
			{ parent: this, dependsOn: [this.manager.ready], deletedWith: sole?.machine },
		);
		// The resource's ID is the swarm's. Unlike an output it stays known in a preview that changes the managers.
		this.clusterId = cluster.id;
		const join = (host: Host, dependsOn: pulumi.Resource[]): SwarmMember => {
			const isManager = host.roles.includes("manager");
			const of = (host: string) => `${name}-${host}`;
			const node = new SwarmNode(
				of(host.name),
				{
					connection: host.connection,
					machineId: host.machine?.id,
					managers: this.managers,
					clusterId: cluster.id,
					advertiseAddress: host.address,
					role: isManager ? "manager" : "worker",
					owner: owner(),
				},
				{ parent: this, dependsOn: [host.ready, ...dependsOn], aliases: aliasesOf(host, of) },
			);
			return { host, node };
		};
		// Promotions come before demotions, so that the swarm never has fewer managers than necessary.
		const leading = managers.map((host) => join(host, []));
		const workers = hosts.filter(({ roles }) => roles.includes("worker"));
		const following = workers.map((host) =>
			join(
				host,
				leading.map(({ node }) => node),
			),
		);
		const members = [...leading, ...following];
		this.members = hosts.flatMap((host) => members.find((member) => member.host === host) ?? []);
		this.registerOutputs({ clusterId: this.clusterId });
	}
}
