import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { SwarmCluster } from "../providers/swarm-cluster/resource.ts";
import { SwarmNode } from "../providers/swarm-node/resource.ts";
import { type Host, owner } from "./host.ts";
import type { Hosts } from "./hosts.ts";

export interface SwarmMember {
	host: Host;
	node: SwarmNode;
}

/** The swarm: initialised on the first manager, joined by all other managers and workers. */
export class Swarm extends pulumi.ComponentResource {
	readonly clusterId: pulumi.Output<string>;
	readonly members: SwarmMember[];
	/** The manager that is asked for everything. */
	readonly manager: Host;
	/** Its membership: what talks to the swarm through it waits for this. */
	readonly managerNode: SwarmNode;
	/** The node label that binds the service's tasks to their nodes: name and value. */
	readonly placement: [string, string];

	constructor(name: string, topology: Topology, hosts: Hosts, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:Swarm", name, {}, opts);
		const { swarm, service } = topology;
		this.manager = hosts.one("manager");
		this.placement = ["scaleout.service", service.name];
		const cluster = new SwarmCluster(
			name,
			{
				connection: this.manager.connection,
				machineId: this.manager.machine?.id,
				advertiseAddress: this.manager.address,
				owner: owner(),
				adopt: swarm.adopt,
				defaultAddrPool: swarm.defaultAddrPool,
				subnetSize: swarm.subnetSize,
				dataPathPort: swarm.dataPathPort,
			},
			{ parent: this, dependsOn: [this.manager.ready], deletedWith: this.manager.machine },
		);
		this.clusterId = cluster.clusterId;
		const serving = servingHosts(topology, hosts);
		const join = (host: Host): SwarmMember => {
			const isManager = host.roles.includes("manager");
			const node = new SwarmNode(
				host.name,
				{
					connection: host.connection,
					machineId: host.machine?.id,
					manager: this.manager.connection,
					managerAddress: `${this.manager.address}:2377`,
					clusterId: cluster.clusterId,
					advertiseAddress: host.address,
					role: isManager ? "manager" : "worker",
					labels: serving.includes(host) ? { [this.placement[0]]: this.placement[1] } : {},
				},
				{ parent: this, dependsOn: [host.ready] },
			);
			return { host, node };
		};
		const nodes = hosts.all.filter((host) => host.roles.some((role) => role === "manager" || role === "worker"));
		this.members = nodes.map(join);
		this.managerNode = (this.members.find(({ host }) => host === this.manager) as SwarmMember).node;
		this.registerOutputs({ clusterId: this.clusterId });
	}

	/** The members that run the service's tasks. */
	serving(topology: Topology, hosts: Hosts): SwarmMember[] {
		const serving = servingHosts(topology, hosts);
		return this.members.filter(({ host }) => serving.includes(host));
	}
}

/** In host mode a task a node, so as many app nodes as replicas; the routing mesh places tasks on all of them. */
export function servingHosts({ service }: Topology, hosts: Pick<Hosts, "with">): Host[] {
	const apps = hosts.with("app");
	return service.publish.mode === "host" ? apps.slice(0, service.replicas) : apps;
}
