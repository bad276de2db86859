import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../../../config/schema.ts";
import { imageFamilies } from "../../../config/sections/aws.ts";
import type { Connection } from "../../../lib/connection.ts";
import { HostCheck } from "../../../providers/host/resource.ts";
import { type Host, owner, remoteStep } from "../../host.ts";
import { endpointAt } from "../endpoint.ts";
import { account } from "./account.ts";
import { bootScript } from "./boot.ts";
import { dataVolume, lookAtMount, mountScript } from "./dataVolume.ts";
import { profiles } from "./identity.ts";
import { instances, type MadeInstance } from "./instances.ts";
import { network } from "./network.ts";
import { securityGroups } from "./securityGroups.ts";

/** EC2 instances in a network of their own, the private ones reached through the NGINX host. */
export function awsHosts(topology: Topology, parent: pulumi.Resource): Host[] {
	const { hosts, aws, logs } = topology;
	const of = account(topology, parent);
	const net = network(topology, of);
	const { groups, rules } = securityGroups(topology, net.vpcId, of);
	const { made, operatorKey } = instances({ topology, account: of, network: net, groups, profiles: profiles(topology, of) });
	const { user } = imageFamilies[aws.image];
	const bastion = [...made.values()].find(({ publicAddress }) => publicAddress) as Required<MadeInstance>;
	const login = { port: 22, user, privateKey: operatorKey.privateKey };
	const proxy = { ...login, host: bastion.publicAddress, hostKey: bastion.hostKey };

	return hosts.map((host, i): Host => {
		const { name, aliases, roles, address } = host;
		const { instance, hostKey, publicAddress } = made.get(host.name) as MadeInstance;
		const connection: pulumi.Output<Connection> = pulumi.secret(publicAddress ? proxy : { ...login, host: host.address, hostKey, proxy });
		const check = new HostCheck(
			`${host.name}-check`,
			{
				property: `hosts[${i}]`,
				connection,
				// The key in its user data is that of the instance before, so that the connection is the same.
				machineId: instance.id,
				owner: owner(),
				roles,
				isMade: true,
				deadlineSeconds: 300,
				hint: "is the address you come from in aws.operatorCidrs?",
			},
			{ parent, deletedWith: instance, dependsOn: [instance, bastion.bound, ...net.routes, ...rules] },
		);
		const base = { name, aliases, roles, address, connection, user, drift: check.drift, machine: instance, publicAddress };
		const booted = remoteStep(`${host.name}-boot`, { ...base, ready: check }, { script: bootScript }, { parent });
		if (!host.roles.includes("log")) return { ...base, ready: booted };
		const { volumeId, attachment } = dataVolume(topology, host, instance, of);
		const mount = {
			script: mountScript(logs.path),
			stdin: pulumi.interpolate`${volumeId} ${aws.logVolumeGiB}GiB\n`,
			looks: [lookAtMount(logs.path)],
		};
		return { ...base, ready: remoteStep("log-volume-mount", { ...base, ready: booted }, mount, { parent, dependsOn: [attachment] }) };
	});
}

/** Where a person reaches NGINX. */
export function awsEndpoint({ nginx }: Topology, hosts: Host[]): pulumi.Input<string> {
	const { publicAddress } = hosts.find(({ roles }) => roles.includes("nginx")) as Host;
	return pulumi.output(publicAddress).apply((address) => endpointAt(address as string, nginx));
}
