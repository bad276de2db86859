import * as pulumi from "@pulumi/pulumi";
import { subnetOf } from "../../../config/rules/aws.ts";
import { type HostConfig, hostsWith, type Topology } from "../../../config/schema.ts";
import { imageFamilies } from "../../../config/sections/aws.ts";
import { SshKey } from "../../../providers/ssh-key/resource.ts";
import type { Account } from "./account.ts";
import type { Network } from "./network.ts";
import { Eip, EipAssociation, getParameterOutput, Instance, type InstanceProfile, KeyPair, type SecurityGroup } from "./sdk.ts";
import { type Group, groupsOf } from "./securityGroups.ts";
import { userData, userDataVersion } from "./userData.ts";

export interface InstancesArgs {
	topology: Topology;
	account: Account;
	network: Network;
	groups: Record<Group, SecurityGroup>;
	/** By host name. Hosts without one have no rights in the account. */
	profiles: Record<string, InstanceProfile>;
}

/** An instance, and what it takes to log in. */
export interface MadeInstance {
	instance: Instance;
	/** Public half of its host key. */
	hostKey: pulumi.Output<string>;
	/** The host with role `nginx` only: its public address, and what binds it. */
	publicAddress?: pulumi.Output<string>;
	bound?: pulumi.Resource;
}

/** The instances, by host name, and the key that may log in to them. */
export function instances(args: InstancesArgs): { made: Map<string, MadeInstance>; operatorKey: SshKey } {
	const { topology, account } = args;
	const { opts, tags } = account;
	const operatorKey = new SshKey("operator-key", {}, { parent: opts.parent });
	const keyPair = new KeyPair("operator-key", { publicKey: operatorKey.publicKey, tags: tags("operator-key") }, opts);
	const current = topology.aws.amiId ?? currentImage(topology, account);
	const made = topology.hosts.map((host) => [host.name, instanceOf(host, args, operatorKey, keyPair, current)] as const);
	return { made: new Map(made), operatorKey };
}

/** The vendor's current image, from its public parameter. */
function currentImage({ aws }: Topology, { opts }: Account): pulumi.Output<string> {
	return getParameterOutput({ name: imageFamilies[aws.image].parameter }, opts).apply(({ insecureValue }) => insecureValue);
}

/**
 * The image of a host. The vendor's current one when the host is first made; after that the one it has, until its revision is counted up.
 * A replacement for another reason keeps it.
 */
function pinnedImage(host: HostConfig, { aws }: Topology, { opts }: Account, current: pulumi.Input<string>): pulumi.Input<string> {
	if (aws.amiId) return aws.amiId;
	const replacementTrigger = `${aws.image} ${host.imageRevision ?? aws.imageRevision}`;
	return new pulumi.Stash(`${host.name}-image`, { input: current }, { parent: opts.parent, ignoreChanges: ["input"], replacementTrigger })
		.output;
}

/**
 * Whether the swarm goes on without the host, so that it can be replaced: drained, taken out, and joined anew. The first manager is asked for
 * everything and may hold the swarm alone: its type changes in place, and its disk stays.
 */
export function isSpare(host: HostConfig, topology: Topology): boolean {
	const managers = hostsWith(topology, "manager");
	return host.roles.includes("worker") || (managers.length >= 3 && managers.indexOf(host) > 0);
}

function instanceOf(
	host: HostConfig,
	{ topology, account, network, groups, profiles }: InstancesArgs,
	operatorKey: SshKey,
	keyPair: KeyPair,
	current: pulumi.Input<string>,
): MadeInstance {
	const { aws } = topology;
	const { opts, tags } = account;
	const { name, address, roles } = host;
	const isNginx = roles.includes("nginx");
	const spare = isSpare(host, topology);
	const instanceType = host.instanceType ?? aws.instanceType;
	const ami = pinnedImage(host, topology, account, current);
	const subnetId = network.subnetIds[subnetOf(topology, host)?.name as string] as pulumi.Input<string>;
	// What replaces the instance makes a new host key as well: it is how the steps on the host learn that they must run again.
	const keepers = {
		ami,
		subnetId,
		address,
		operatorKey: operatorKey.publicKey,
		kmsKey: aws.kmsKeyArn ?? "",
		userData: userDataVersion(name),
		...(spare && { instanceType }),
	};
	const hostKey = new SshKey(`${name}-host-key`, { keepers }, { parent: opts.parent });
	const instance = new Instance(
		name,
		{
			ami,
			instanceType,
			subnetId,
			privateIp: address,
			// The NGINX host gets its address by association; AWS then reports a public address, which `false` would call a change.
			...(!isNginx && { associatePublicIpAddress: false }),
			vpcSecurityGroupIds: groupsOf(roles).map((group) => groups[group].id),
			keyName: keyPair.keyName,
			...(profiles[name] && { iamInstanceProfile: profiles[name].name }),
			metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
			rootBlockDevice: {
				encrypted: true,
				...(aws.kmsKeyArn && { kmsKeyId: aws.kmsKeyArn }),
				volumeType: "gp3",
				volumeSize: aws.rootVolumeGiB,
				deleteOnTermination: true,
				tags: tags(name),
			},
			userData: pulumi.secret(
				pulumi.all([hostKey.privateKey, hostKey.publicKey]).apply(([privateKey, publicKey]) => userData(name, { privateKey, publicKey })),
			),
			userDataReplaceOnChange: true,
			tags: tags(name),
		},
		{
			...opts,
			dependsOn: network.routes,
			// Two instances cannot have one private address.
			deleteBeforeReplace: true,
			replaceOnChanges: spare ? ["instanceType"] : [],
			additionalSecretOutputs: ["userData", "userDataBase64"],
		},
	);
	if (!isNginx) return { instance, hostKey: hostKey.publicKey };
	const eip = new Eip(`${name}-address`, { domain: "vpc", tags: tags(name) }, { ...opts, dependsOn: network.routes });
	const bound = new EipAssociation(
		`${name}-address`,
		{ allocationId: eip.id, instanceId: instance.id },
		{ ...opts, deletedWith: instance },
	);
	return { instance, hostKey: hostKey.publicKey, publicAddress: eip.publicIp, bound };
}
