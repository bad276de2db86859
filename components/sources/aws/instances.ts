import * as pulumi from "@pulumi/pulumi";
import { imageFamilies, subnetOf } from "../../../lib/aws.ts";
import { SshKey } from "../../../providers/ssh-key/resource.ts";
import { aliasesOf, firstName } from "../../hostNames.ts";
import type { HostSettings } from "../../settings/hosts.ts";
import type { Account } from "./account.ts";
import type { AwsArgs } from "./index.ts";
import type { Network } from "./network.ts";
import { Eip, EipAssociation, getParameterOutput, Instance, type InstanceProfile, KeyPair, type SecurityGroup } from "./sdk.ts";
import { type Group, groupsOf } from "./securityGroups.ts";
import { userData, userDataVersion } from "./userData.ts";

export interface InstancesArgs extends Pick<AwsArgs, "aws" | "hosts"> {
	account: Account;
	network: Network;
	groups: Record<Group, SecurityGroup>;
	/** By host name. Hosts without one have no rights in the account. */
	profiles: Record<string, InstanceProfile>;
}

/** An instance, and what a login needs. */
export interface MadeInstance {
	instance: Instance;
	/** Its public host key. */
	hostKey: pulumi.Output<string>;
	/** Only for the host with role `balancer`: its public address, and the resource that binds it. */
	publicAddress?: pulumi.Output<string>;
	bound?: pulumi.Resource;
}

/** The instances by host name, and the key that may log in to them. */
export function instances(args: InstancesArgs): { made: Map<string, MadeInstance>; operatorKey: SshKey } {
	const { aws, hosts, account } = args;
	const { named, opts, tags } = account;
	const operatorKey = new SshKey(named("operator-key"), {}, { parent: opts.parent });
	const keyPair = new KeyPair(named("operator-key"), { publicKey: operatorKey.publicKey, tags: tags("operator-key") }, opts);
	const current = aws.amiId ?? currentImage(aws, account);
	const made = hosts.map((host) => [host.name, instanceOf(host, args, operatorKey, keyPair, current)] as const);
	return { made: new Map(made), operatorKey };
}

/** The vendor's current image, from its public parameter. */
function currentImage(aws: AwsArgs["aws"], { opts }: Account): pulumi.Output<string> {
	return getParameterOutput({ name: imageFamilies[aws.image].parameter }, opts).apply(({ insecureValue }) => insecureValue);
}

/**
 * The image of a host: the one that is current when the host is first created, until another is wanted. A replacement of the host for another reason
 * keeps the image.
 *
 * @param wanted Family and revision, as free text: a change selects the image that is current then.
 */
export function pinnedImage(
	host: Pick<HostSettings, "name" | "aliases">,
	wanted: string,
	current: pulumi.Input<string>,
	{ named, opts: { parent } }: { named: Account["named"]; opts: { parent?: pulumi.Resource } },
): pulumi.Output<string> {
	const of = (name: string) => named(`${name}-image`);
	const options = { parent, ignoreChanges: ["input"], replacementTrigger: wanted, aliases: aliasesOf(host, of) };
	return new pulumi.Stash(of(host.name), { input: current }, options).output as pulumi.Output<string>;
}

/**
 * Whether the swarm can do without the host for a while, so that it can be replaced: drained, demoted if a manager, removed, and joined again. The first
 * manager may be the only one: its type changes in place, and its disk stays.
 */
export function isSpare(host: HostSettings, hosts: HostSettings[]): boolean {
	const isNode = host.roles.includes("worker") || host.roles.includes("manager");
	return isNode && host !== hosts.find(({ roles }) => roles.includes("manager"));
}

function instanceOf(
	host: HostSettings,
	{ aws, hosts, account, network, groups, profiles }: InstancesArgs,
	operatorKey: SshKey,
	keyPair: KeyPair,
	current: pulumi.Input<string>,
): MadeInstance {
	const { named, opts, tags } = account;
	const keyName = (host: string) => named(`${host}-host-key`);
	const addressName = (host: string) => named(`${host}-address`);
	const { name, address, roles } = host;
	const hostname = firstName(host);
	const isFront = roles.includes("balancer");
	const spare = isSpare(host, hosts);
	const instanceType = host.instanceType ?? aws.instanceType;
	const wanted = `${aws.image} ${host.imageRevision ?? aws.imageRevision}`;
	const ami = aws.amiId ?? pinnedImage(host, wanted, current, account);
	const subnetId = network.subnetIds[subnetOf(aws.subnets, address)?.name as string] as pulumi.Input<string>;
	// What replaces the instance also makes a new host key: that tells the steps on the host that they must run again.
	const keepers = {
		ami,
		subnetId,
		address,
		operatorKey: operatorKey.publicKey,
		kmsKey: aws.kmsKeyArn ?? "",
		userData: userDataVersion(hostname),
		...(spare && { instanceType }),
	};
	const hostKey = new SshKey(keyName(name), { keepers }, { parent: opts.parent, aliases: aliasesOf(host, keyName) });
	const instance = new Instance(
		named(name),
		{
			ami,
			instanceType,
			subnetId,
			privateIp: address,
			// The NGINX host gets its address by association. AWS then reports a public address, so `false` would show as a change.
			...(!isFront && { associatePublicIpAddress: false }),
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
				pulumi
					.all([hostKey.privateKey, hostKey.publicKey])
					.apply(([privateKey, publicKey]) => userData(hostname, { privateKey, publicKey })),
			),
			userDataReplaceOnChange: true,
			tags: tags(name),
		},
		{
			...opts,
			dependsOn: network.routes,
			// Two instances cannot have the same private address.
			deleteBeforeReplace: true,
			replaceOnChanges: spare ? ["instanceType"] : [],
			aliases: aliasesOf(host, named),
			additionalSecretOutputs: ["userData", "userDataBase64"],
		},
	);
	if (!isFront) return { instance, hostKey: hostKey.publicKey };
	const known = { ...opts, aliases: aliasesOf(host, addressName) };
	const eip = new Eip(addressName(name), { domain: "vpc", tags: tags(name) }, { ...known, dependsOn: network.routes });
	const bound = new EipAssociation(
		addressName(name),
		{ allocationId: eip.id, instanceId: instance.id },
		{ ...known, deletedWith: instance },
	);
	return { instance, hostKey: hostKey.publicKey, publicAddress: eip.publicIp, bound };
}
