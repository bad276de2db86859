import type { Handler, Invoke } from "../handler.ts";
import { address, addressAssociation } from "./addresses.ts";
import { instanceProfile, role, rolePolicy } from "./iam.ts";
import { instance } from "./instances.ts";
import { keyPair } from "./keyPairs.ts";
import { logGroup } from "./logs.ts";
import { getParameter, getSubnet } from "./lookups.ts";
import { internetGateway, natGateway, subnet, vpc } from "./network.ts";
import { route, routeTable, routeTableAssociation } from "./routes.ts";
import { egressRule, ingressRule, securityGroup } from "./securityGroups.ts";
import { volume, volumeAttachment } from "./volumes.ts";

/** By the engine's type token. */
export const handlers: Record<string, Handler> = {
	"aws:ec2/vpc:Vpc": vpc,
	"aws:ec2/subnet:Subnet": subnet,
	"aws:ec2/internetGateway:InternetGateway": internetGateway,
	"aws:ec2/natGateway:NatGateway": natGateway,
	"aws:ec2/eip:Eip": address,
	"aws:ec2/eipAssociation:EipAssociation": addressAssociation,
	"aws:ec2/routeTable:RouteTable": routeTable,
	"aws:ec2/route:Route": route,
	"aws:ec2/routeTableAssociation:RouteTableAssociation": routeTableAssociation,
	"aws:ec2/securityGroup:SecurityGroup": securityGroup,
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule,
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egressRule,
	"aws:ec2/keyPair:KeyPair": keyPair,
	"aws:ec2/instance:Instance": instance,
	"aws:ebs/volume:Volume": volume,
	"aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
	"aws:iam/role:Role": role,
	"aws:iam/rolePolicy:RolePolicy": rolePolicy,
	"aws:iam/instanceProfile:InstanceProfile": instanceProfile,
	"aws:cloudwatch/logGroup:LogGroup": logGroup,
};

export const functions: Record<string, Invoke> = {
	"aws:ssm/getParameter:getParameter": getParameter,
	"aws:ec2/getSubnet:getSubnet": getSubnet,
};
