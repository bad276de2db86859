import * as pulumi from "@pulumi/pulumi";
import { ConfigError, distinct, type Fault } from "../../config/fault.ts";
import { readPrivateKey } from "../../config/read.ts";
import type { HostConfig, Topology } from "../../config/schema.ts";
import type { Connection } from "../../lib/connection.ts";
import { HostCheck } from "../../providers/host/resource.ts";
import { type Host, owner, withScripts } from "../host.ts";
import { aliasesOf, checkName } from "../hostNames.ts";
import { endpointAt } from "./endpoint.ts";

/** Hosts that exist, from the inventory in the configuration. They are never created or deleted, only what is put on them. */
export function existingHosts(topology: Topology, parent: pulumi.Resource): Host[] {
	const connections = connectionsOf(topology);
	return topology.hosts.map(({ name, aliases, roles, address, lost: isLost }, i) => {
		const plain = connections[i] as Connection;
		const connection = pulumi.secret(plain);
		const check = new HostCheck(
			checkName(name),
			{ host: name, property: `hosts[${i}]`, connection, owner: owner(), roles },
			{ parent, aliases: aliasesOf({ name, aliases }, checkName) },
		);
		return withScripts({ name, aliases, roles, address, connection, user: plain.user, isLost }, check, undefined, parent);
	});
}

/** Where a person reaches NGINX. */
export function existingEndpoint({ hosts, nginx }: Topology): string {
	const host = hosts.find(({ roles }) => roles.includes("nginx")) as HostConfig;
	return endpointAt(host.address, nginx);
}

function connectionsOf(topology: Topology): Connection[] {
	const { hosts } = topology;
	const faults: Fault[] = [];
	const connectionOf = (host: HostConfig): Connection => {
		const ssh = host.ssh as NonNullable<HostConfig["ssh"]>;
		const bastion = hosts.find(({ name }) => name === ssh.bastion);
		return {
			host: ssh.host ?? host.address,
			port: ssh.port,
			user: ssh.user,
			privateKey: readPrivateKey(host, topology, faults),
			hostKey: ssh.hostKey.split(" ").slice(0, 2).join(" "),
			...(bastion && { proxy: connectionOf(bastion) }),
		};
	};
	const connections = hosts.map(connectionOf);
	if (faults.length > 0) throw new ConfigError(distinct(faults));
	return connections;
}
