import { type Handler, type Props, unlessGone } from "../handler.ts";
import { retag, tagged } from "../tags.ts";

export const vpc: Handler = {
	inputs: { cidrBlock: "replace", instanceTenancy: "replace", enableDnsHostnames: "update", enableDnsSupport: "update", tags: "update" },
	computed: ["instanceTenancy"],
	async create(inputs, context) {
		const { ec2 } = context;
		const { Vpc } = await ec2.createVpc({
			CidrBlock: inputs.cidrBlock,
			InstanceTenancy: inputs.instanceTenancy,
			TagSpecifications: tagged("vpc", inputs, context),
		});
		const VpcId = Vpc?.VpcId as string;
		await setDns(VpcId, inputs, context);
		const ofVpc = { Filters: [{ Name: "vpc-id", Values: [VpcId] }] };
		const { RouteTables } = await ec2.describeRouteTables(ofVpc);
		const { SecurityGroups } = await ec2.describeSecurityGroups(ofVpc);
		const outputs = {
			arn: `arn:aws:ec2:${context.region}:${Vpc?.OwnerId}:vpc/${VpcId}`,
			ownerId: Vpc?.OwnerId,
			mainRouteTableId: RouteTables?.[0]?.RouteTableId,
			defaultRouteTableId: RouteTables?.[0]?.RouteTableId,
			defaultSecurityGroupId: SecurityGroups?.[0]?.GroupId,
		};
		return { id: VpcId, outputs };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeVpcs({ VpcIds: [id] }));
		return found?.Vpcs?.[0] && { cidrBlock: found.Vpcs[0].CidrBlock };
	},
	async update(id, olds, news, context) {
		await setDns(id, news, context);
		return retag(id, olds, news, context);
	},
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.deleteVpc({ VpcId: id }));
	},
};

/** The API takes one attribute a call. */
async function setDns(VpcId: string, { enableDnsHostnames, enableDnsSupport }: Props, { ec2 }: Parameters<Handler["create"]>[1]) {
	if (enableDnsSupport !== undefined) await ec2.modifyVpcAttribute({ VpcId, EnableDnsSupport: { Value: enableDnsSupport } });
	if (enableDnsHostnames !== undefined) await ec2.modifyVpcAttribute({ VpcId, EnableDnsHostnames: { Value: enableDnsHostnames } });
}

export const subnet: Handler = {
	inputs: { vpcId: "replace", cidrBlock: "replace", availabilityZone: "replace", mapPublicIpOnLaunch: "update", tags: "update" },
	computed: ["availabilityZone"],
	async create(inputs, context) {
		const { ec2 } = context;
		const { Subnet } = await ec2.createSubnet({
			VpcId: inputs.vpcId,
			CidrBlock: inputs.cidrBlock,
			AvailabilityZone: inputs.availabilityZone,
			TagSpecifications: tagged("subnet", inputs, context),
		});
		const id = Subnet?.SubnetId as string;
		const MapPublicIpOnLaunch = { Value: inputs.mapPublicIpOnLaunch };
		if (inputs.mapPublicIpOnLaunch !== undefined) await ec2.modifySubnetAttribute({ SubnetId: id, MapPublicIpOnLaunch });
		return { id, outputs: { arn: Subnet?.SubnetArn, availabilityZone: Subnet?.AvailabilityZone, ownerId: Subnet?.OwnerId } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeSubnets({ SubnetIds: [id] }));
		return found?.Subnets?.[0] && { cidrBlock: found.Subnets[0].CidrBlock };
	},
	async update(id, olds, news, context) {
		await context.ec2.modifySubnetAttribute({ SubnetId: id, MapPublicIpOnLaunch: { Value: news.mapPublicIpOnLaunch ?? false } });
		return retag(id, olds, news, context);
	},
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.deleteSubnet({ SubnetId: id }));
	},
};

export const internetGateway: Handler = {
	inputs: { vpcId: "update", tags: "update" },
	async create(inputs, context) {
		const { ec2 } = context;
		const { InternetGateway } = await ec2.createInternetGateway({ TagSpecifications: tagged("internet-gateway", inputs, context) });
		const id = InternetGateway?.InternetGatewayId as string;
		if (inputs.vpcId) await ec2.attachInternetGateway({ InternetGatewayId: id, VpcId: inputs.vpcId });
		const OwnerId = InternetGateway?.OwnerId;
		return { id, outputs: { arn: `arn:aws:ec2:${context.region}:${OwnerId}:internet-gateway/${id}`, ownerId: OwnerId } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeInternetGateways({ InternetGatewayIds: [id] }));
		return found?.InternetGateways?.[0] && { vpcId: found.InternetGateways[0].Attachments?.[0]?.VpcId };
	},
	async update(id, olds, news, context) {
		const { ec2 } = context;
		if (olds.vpcId !== news.vpcId) {
			if (olds.vpcId) await ec2.detachInternetGateway({ InternetGatewayId: id, VpcId: olds.vpcId });
			if (news.vpcId) await ec2.attachInternetGateway({ InternetGatewayId: id, VpcId: news.vpcId });
		}
		return retag(id, olds, news, context);
	},
	async delete(id, { vpcId }, { ec2 }) {
		if (vpcId) await unlessGone(ec2.detachInternetGateway({ InternetGatewayId: id, VpcId: vpcId }));
		await unlessGone(ec2.deleteInternetGateway({ InternetGatewayId: id }));
	},
};

export const natGateway: Handler = {
	inputs: { subnetId: "replace", allocationId: "replace", connectivityType: "replace", tags: "update" },
	computed: ["connectivityType"],
	async create(inputs, context) {
		const { NatGateway } = await context.ec2.createNatGateway({
			SubnetId: inputs.subnetId,
			AllocationId: inputs.allocationId,
			ConnectivityType: inputs.connectivityType,
			TagSpecifications: tagged("natgateway", inputs, context),
		});
		const [address] = NatGateway?.NatGatewayAddresses ?? [];
		const outputs = { publicIp: address?.PublicIp, privateIp: address?.PrivateIp, networkInterfaceId: address?.NetworkInterfaceId };
		return { id: NatGateway?.NatGatewayId as string, outputs };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeNatGateways({ NatGatewayIds: [id] }));
		const gateway = found?.NatGateways?.[0];
		return gateway && gateway.State !== "deleted" ? { subnetId: gateway.SubnetId } : undefined;
	},
	update: retag,
	async delete(id, { networkInterfaceId }, { ec2 }) {
		await unlessGone(ec2.deleteNatGateway({ NatGatewayId: id }));
		// AWS takes the gateway's interface away by itself; the emulator does not.
		if (networkInterfaceId) await unlessGone(ec2.deleteNetworkInterface({ NetworkInterfaceId: networkInterfaceId }));
	},
};
