import type { Invoke } from "../handler.ts";

export const getParameter: Invoke = async ({ name, withDecryption }, { ssm }) => {
	const { Parameter } = await ssm.getParameter({ Name: name, WithDecryption: withDecryption ?? true });
	const value = Parameter?.Value;
	return { id: name, arn: Parameter?.ARN, type: Parameter?.Type, value, insecureValue: value, version: Parameter?.Version };
};

export const getSubnet: Invoke = async ({ id }, { ec2 }) => {
	const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds: [id] });
	const [subnet] = Subnets;
	return {
		id,
		arn: subnet?.SubnetArn,
		vpcId: subnet?.VpcId,
		cidrBlock: subnet?.CidrBlock,
		availabilityZone: subnet?.AvailabilityZone,
		mapPublicIpOnLaunch: subnet?.MapPublicIpOnLaunch,
	};
};
