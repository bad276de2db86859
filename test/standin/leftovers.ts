import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EC2 } from "@aws-sdk/client-ec2";
import { IAM } from "@aws-sdk/client-iam";

/** What is left at the API in a region besides what every account has, one line each. */
export async function leftovers({ endpoint, region }: { endpoint: string; region: string }): Promise<string[]> {
	const settings = { endpoint, region, credentials: { accessKeyId: "emulator", secretAccessKey: "emulator" } };
	const [ec2, iam, logs] = [new EC2(settings), new IAM(settings), new CloudWatchLogs(settings)];
	const { Reservations = [] } = await ec2.describeInstances();
	const instances = Reservations.flatMap(({ Instances = [] }) => Instances).filter(({ State }) => State?.Name !== "terminated");
	const { Vpcs = [] } = await ec2.describeVpcs();
	const isDefault = Vpcs.find(({ IsDefault }) => IsDefault)?.VpcId;
	const elsewhere = <T extends { VpcId?: string }>(items: T[] = []) => items.filter(({ VpcId }) => VpcId !== isDefault);
	const { NatGateways = [] } = await ec2.describeNatGateways();
	const found: Record<string, unknown[]> = {
		instance: instances.map(({ InstanceId }) => InstanceId),
		vpc: elsewhere(Vpcs).map(({ VpcId }) => VpcId),
		subnet: elsewhere((await ec2.describeSubnets()).Subnets).map(({ SubnetId }) => SubnetId),
		"security group": elsewhere((await ec2.describeSecurityGroups()).SecurityGroups).map(({ GroupName }) => GroupName),
		"route table": elsewhere((await ec2.describeRouteTables()).RouteTables).map(({ RouteTableId }) => RouteTableId),
		"internet gateway": ((await ec2.describeInternetGateways()).InternetGateways ?? []).map(({ InternetGatewayId }) => InternetGatewayId),
		"NAT gateway": NatGateways.filter(({ State }) => State !== "deleted").map(({ NatGatewayId }) => NatGatewayId),
		address: ((await ec2.describeAddresses()).Addresses ?? []).map(({ AllocationId }) => AllocationId),
		volume: ((await ec2.describeVolumes()).Volumes ?? []).map(({ VolumeId }) => VolumeId),
		"network interface": ((await ec2.describeNetworkInterfaces()).NetworkInterfaces ?? []).map(
			({ NetworkInterfaceId }) => NetworkInterfaceId,
		),
		"key pair": ((await ec2.describeKeyPairs()).KeyPairs ?? []).map(({ KeyName }) => KeyName),
		role: ((await iam.listRoles()).Roles ?? []).map(({ RoleName }) => RoleName),
		"instance profile": ((await iam.listInstanceProfiles()).InstanceProfiles ?? []).map(({ InstanceProfileName }) => InstanceProfileName),
		"log group": ((await logs.describeLogGroups()).logGroups ?? []).map(({ logGroupName }) => logGroupName),
	};
	return Object.entries(found).flatMap(([kind, names]) => names.map((name) => `${kind} ${name}`));
}
