import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EC2, type Instance } from "@aws-sdk/client-ec2";
import { IAM } from "@aws-sdk/client-iam";
import type { Emulator } from "./emulator.ts";

/** A region of the emulated account, as a test looks at it past the plugin. */
export interface Account {
	ec2: EC2;
	/** The instances that run. */
	running(): Promise<Instance[]>;
	/** What there is besides what every account has, a line each: `volume vol-…`. */
	leftovers(): Promise<string[]>;
}

export function account({ endpoint, env }: Emulator, region: string): Account {
	const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID ?? "", secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "" };
	const settings = { endpoint, region, credentials };
	const [ec2, iam, logs] = [new EC2(settings), new IAM(settings), new CloudWatchLogs(settings)];
	const instances = async () => ((await ec2.describeInstances()).Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
	return {
		ec2,
		running: async () => (await instances()).filter(({ State }) => State?.Name === "running"),
		async leftovers() {
			const { Vpcs = [] } = await ec2.describeVpcs();
			const given = Vpcs.find(({ IsDefault }) => IsDefault)?.VpcId;
			const made = <T extends { VpcId?: string }>(items: T[] = []) => items.filter(({ VpcId }) => VpcId !== given);
			const { NatGateways = [] } = await ec2.describeNatGateways();
			const names: Record<string, (string | undefined)[] | undefined> = {
				instance: (await instances()).filter(({ State }) => State?.Name !== "terminated").map(({ InstanceId }) => InstanceId),
				vpc: made(Vpcs).map(({ VpcId }) => VpcId),
				subnet: made((await ec2.describeSubnets()).Subnets).map(({ SubnetId }) => SubnetId),
				"security group": made((await ec2.describeSecurityGroups()).SecurityGroups).map(({ GroupName }) => GroupName),
				"route table": made((await ec2.describeRouteTables()).RouteTables).map(({ RouteTableId }) => RouteTableId),
				"internet gateway": (await ec2.describeInternetGateways()).InternetGateways?.map(({ InternetGatewayId }) => InternetGatewayId),
				"NAT gateway": NatGateways.filter(({ State }) => State !== "deleted").map(({ NatGatewayId }) => NatGatewayId),
				address: (await ec2.describeAddresses()).Addresses?.map(({ AllocationId }) => AllocationId),
				volume: (await ec2.describeVolumes()).Volumes?.map(({ VolumeId }) => VolumeId),
				"network interface": (await ec2.describeNetworkInterfaces()).NetworkInterfaces?.map(({ NetworkInterfaceId }) => NetworkInterfaceId),
				"key pair": (await ec2.describeKeyPairs()).KeyPairs?.map(({ KeyName }) => KeyName),
				role: (await iam.listRoles()).Roles?.map(({ RoleName }) => RoleName),
				"instance profile": (await iam.listInstanceProfiles()).InstanceProfiles?.map(({ InstanceProfileName }) => InstanceProfileName),
				"log group": (await logs.describeLogGroups()).logGroups?.map(({ logGroupName }) => logGroupName),
			};
			return Object.entries(names).flatMap(([kind, found = []]) => found.map((name) => `${kind} ${name}`));
		},
	};
}
