/*
 * The classes of @pulumi/aws that are used, each imported from its own file. The package's index loads all classes, which would cost every run, even the
 * lab's, a second.
 */

export { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
export { Volume } from "@pulumi/aws/ebs/volume.js";
export { Eip } from "@pulumi/aws/ec2/eip.js";
export { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
export { getSubnetOutput } from "@pulumi/aws/ec2/getSubnet.js";
export { Instance } from "@pulumi/aws/ec2/instance.js";
export { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
export { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
export { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
export { Route } from "@pulumi/aws/ec2/route.js";
export { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
export { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
export { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
export { Subnet } from "@pulumi/aws/ec2/subnet.js";
export { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
export { Vpc } from "@pulumi/aws/ec2/vpc.js";
export { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
export { Role } from "@pulumi/aws/iam/role.js";
export { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
export { Provider } from "@pulumi/aws/provider.js";
export { getParameterOutput } from "@pulumi/aws/ssm/getParameter.js";
export { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
export { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
