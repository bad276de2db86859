import * as pulumi from "@pulumi/pulumi";
import { imageFamilies } from "../../../lib/aws.ts";
import type { Connection } from "../../../lib/connection.ts";
import { bootstrap, type RolePackages } from "../../bootstrap.ts";
import { type Host, hostStep } from "../../host.ts";
import type { AwsSettings } from "../../settings/aws.ts";
import type { HostSettings } from "../../settings/hosts.ts";
import type { LogsSettings } from "../../settings/logs.ts";
import type { Source } from "../source.ts";
import { account } from "./account.ts";
import { dataVolume, mountStep } from "./dataVolume.ts";
import { profiles } from "./identity.ts";
import { instances, type MadeInstance } from "./instances.ts";
import { network } from "./network.ts";
import { securityPolicy } from "./policy.ts";
import { securityGroups } from "./securityGroups.ts";

export interface AwsArgs {
	aws: AwsSettings;
	/** Each is in the subnet that contains its address. */
	hosts: HostSettings[];
	/** The volume for the logs, and where they are sent. */
	logs: Pick<LogsSettings, "path" | "keepOnDestroy"> & {
		/** `logGroup`: must differ between sources in the same account and region. */
		shipping?: (NonNullable<LogsSettings["shipping"]> & { logGroup: string }) | undefined;
	};
	/** What managers may pull from ECR. */
	images: {
		/** The registry's host; only ECR needs rights. */
		server?: string | undefined;
		repositories: string[];
	};
	/** Ports to open. */
	ports: {
		/** UDP, among the swarm's nodes. */
		overlay: number;
		/** TCP, from the load balancer to app nodes, and from nowhere else. */
		published: number[];
		/** TCP, among app nodes. */
		peers: number[];
		/** TCP, from the Internet to the load balancer. */
		web: number[];
	};
}

/** EC2 instances in their own network. The private ones are reached through the host with role `balancer`. */
export function awsSource(args: AwsArgs): Source {
	const { region } = args.aws;
	const { shipping } = args.logs;
	return {
		hosts: (name, packages, parent) => awsHosts(name, args, packages, parent),
		policy: securityPolicy(args),
		...(shipping && { logShipping: { region: region as string, logGroup: shipping.logGroup } }),
	};
}

function awsHosts(source: string, args: AwsArgs, packages: RolePackages, parent: pulumi.Resource): Host[] {
	const { hosts, aws, logs } = args;
	const of = account(args, source, parent);
	const net = network(aws, of);
	const { groups, rules } = securityGroups(args, net.vpcId, of);
	const { made, operatorKey } = instances({ aws, hosts, account: of, network: net, groups, profiles: profiles(args, of) });
	const { user } = imageFamilies[aws.image];
	const bastion = [...made.values()].find(({ publicAddress }) => publicAddress) as Required<MadeInstance>;
	const login = { port: 22, user, privateKey: operatorKey.privateKey };
	const proxy = { ...login, host: bastion.publicAddress, hostKey: bastion.hostKey };

	return hosts.map((host, i): Host => {
		const { name, aliases, roles, address } = host;
		const { instance, hostKey, publicAddress } = made.get(host.name) as MadeInstance;
		const connection: pulumi.Output<Connection> = pulumi.secret(publicAddress ? proxy : { ...login, host: host.address, hostKey, proxy });
		const reach = (port: number) => ({ address: publicAddress ?? address, port });
		const ready = bootstrap(
			source,
			// A recreated instance has the same host key in its user data, so its connection is unchanged; only the ID differs.
			{ name, aliases, roles, address, reach, connection, user, machine: instance, machineId: instance.id },
			{
				property: `hosts[${i}]`,
				packages,
				isMade: true,
				isBooting: true,
				deadlineSeconds: 300,
				hint: "is the address you come from in aws.operatorCidrs?",
			},
			{ parent, dependsOn: [instance, bastion.bound, ...net.routes, ...rules] },
		);
		if (!host.roles.includes("log")) return ready;
		const { volumeId, attachment } = dataVolume(args, host, instance, of);
		const mount = mountStep(volumeId, logs.path, `${aws.logVolumeGiB} GiB`);
		return { ...ready, ready: hostStep(of.named("log-volume-mount"), ready, mount, { parent, dependsOn: [attachment] }) };
	});
}
