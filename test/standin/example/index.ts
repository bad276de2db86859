import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type ssh2 from "ssh2";
import { stringify } from "yaml";

/* Each resource type that the stand-in serves, once. */

const config = new pulumi.Config();
const provider = new aws.Provider("aws", {
	region: config.require("region") as aws.Region,
	defaultTags: { tags: { project: "standin-example" } },
});
const opts = { provider };

const vpc = new aws.ec2.Vpc("vpc", { cidrBlock: "192.168.0.0/16", enableDnsHostnames: true, tags: { Name: "example" } }, opts);
const open = new aws.ec2.Subnet(
	"open",
	{ vpcId: vpc.id, cidrBlock: "192.168.1.0/24", availabilityZone: `${config.require("region")}a` },
	opts,
);
const closed = new aws.ec2.Subnet("closed", { vpcId: vpc.id, cidrBlock: config.get("closed") ?? "192.168.2.0/24" }, opts);

const gateway = new aws.ec2.InternetGateway("gateway", { vpcId: vpc.id }, opts);
const outward = new aws.ec2.RouteTable("open", { vpcId: vpc.id }, opts);
const toWorld = { routeTableId: outward.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id };
new aws.ec2.Route("open", toWorld, opts);
new aws.ec2.RouteTableAssociation("open", { routeTableId: outward.id, subnetId: open.id }, opts);

const natAddress = new aws.ec2.Eip("nat", { domain: "vpc" }, opts);
const nat = new aws.ec2.NatGateway("nat", { allocationId: natAddress.id, subnetId: open.id }, { ...opts, dependsOn: [gateway] });
const inward = new aws.ec2.RouteTable("closed", { vpcId: vpc.id }, opts);
new aws.ec2.Route("closed", { routeTableId: inward.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id }, opts);
new aws.ec2.RouteTableAssociation("closed", { routeTableId: inward.id, subnetId: closed.id }, opts);

const group = new aws.ec2.SecurityGroup("host", { vpcId: vpc.id, description: "The host" }, opts);
const http = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 80, toPort: 80 };
new aws.vpc.SecurityGroupIngressRule("http", { ...http, cidrIpv4: "0.0.0.0/0" }, opts);
new aws.vpc.SecurityGroupIngressRule("itself", { ...http, toPort: 81, referencedSecurityGroupId: group.id }, opts);
new aws.vpc.SecurityGroupEgressRule("all", { securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }, opts);

const service = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
const role = new aws.iam.Role("host", { assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [service] }) }, opts);
const logs = new aws.cloudwatch.LogGroup("logs", { retentionInDays: config.getNumber("retention") ?? 30 }, opts);
const policy = logs.arn.apply((arn) =>
	JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "logs:PutLogEvents", Resource: `${arn}:*` }] }),
);
new aws.iam.RolePolicy("host", { role: role.id, policy }, opts);
const profile = new aws.iam.InstanceProfile("host", { role: role.name }, opts);

const image = aws.ssm.getParameterOutput({ name: config.get("parameter") ?? "/aws/service/debian/release/12/latest/amd64" }, opts);
const [login, host] = JSON.parse(process.env.EXAMPLE_KEYS ?? "[]") as ReturnType<typeof ssh2.utils.generateKeyPairSync>[];
const key = new aws.ec2.KeyPair("operator", { publicKey: login?.public ?? "" }, opts);
const cloudConfig = { hostname: "example", ssh_keys: { ed25519_private: host?.private, ed25519_public: host?.public } };
const instance = new aws.ec2.Instance(
	"host",
	{
		ami: config.get("ami") ?? image.value,
		instanceType: config.get("instanceType") ?? "t3.small",
		subnetId: open.id,
		privateIp: "192.168.1.10",
		vpcSecurityGroupIds: [group.id],
		keyName: key.keyName,
		iamInstanceProfile: profile.name,
		metadataOptions: { httpTokens: "required", httpEndpoint: "enabled" },
		rootBlockDevice: { encrypted: true, volumeSize: 20, volumeType: "gp3" },
		userData: pulumi.secret(`#cloud-config\n${stringify(cloudConfig)}`),
		tags: { Name: "example" },
	},
	config.getBoolean("replaceOnType") ? { ...opts, replaceOnChanges: ["instanceType"], deleteBeforeReplace: true } : opts,
);
const address = new aws.ec2.Eip("host", { domain: "vpc" }, opts);
new aws.ec2.EipAssociation("host", { allocationId: address.allocationId, instanceId: instance.id }, opts);
const volume = new aws.ebs.Volume("data", { availabilityZone: open.availabilityZone, size: 1, encrypted: true, type: "gp3" }, opts);
const attachment = { deviceName: "/dev/sdf", instanceId: instance.id, volumeId: volume.id };
new aws.ec2.VolumeAttachment("data", attachment, { ...opts, deleteBeforeReplace: true });

export const publicIp = address.publicIp;
export const instanceId = instance.id;
export const volumeId = volume.id;
export const vpcOfSubnet = aws.ec2.getSubnetOutput({ id: open.id }, opts).vpcId;
