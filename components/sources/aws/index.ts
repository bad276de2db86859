import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../../../config/schema.ts";
import { imageFamilies } from "../../../config/sections/aws.ts";
import type { Connection } from "../../../lib/connection.ts";
import { HostCheck } from "../../../providers/host/resource.ts";
import { type Host, hostStep, owner, withScripts } from "../../host.ts";
import { aliasesOf, checkName } from "../../hostNames.ts";
import { endpointAt } from "../endpoint.ts";
import { account } from "./account.ts";
import { dataVolume, mountStep } from "./dataVolume.ts";
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
			checkName(host.name),
			{
				host: name,
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
			{ parent, deletedWith: instance, dependsOn: [instance, bastion.bound, ...net.routes, ...rules], aliases: aliasesOf(host, checkName) },
		);
		const base = { name, aliases, roles, address, connection, user, machine: instance, publicAddress };
		const checked = withScripts(base, check, instance.id, parent);
		const booted = { ...checked, ready: hostStep((name) => `${name}-boot`, checked, { step: "aws/boot" }, { parent }) };
		if (!host.roles.includes("log")) return booted;
		const { volumeId, attachment } = dataVolume(topology, host, instance, of);
		const mount = mountStep(volumeId, logs.path, `${aws.logVolumeGiB} GiB`);
		return { ...booted, ready: hostStep("log-volume-mount", booted, mount, { parent, dependsOn: [attachment] }) };
	});
}

/** Where a person reaches NGINX. */
export function awsEndpoint({ nginx }: Topology, hosts: Host[]): pulumi.Input<string> {
	const { publicAddress } = hosts.find(({ roles }) => roles.includes("nginx")) as Host;
	return pulumi.output(publicAddress).apply((address) => endpointAt(address as string, nginx));
}
