import { z } from "zod";
import { imageFamilies } from "../../lib/aws.ts";
import { hostName } from "./values.ts";

const families = Object.keys(imageFamilies) as (keyof typeof imageFamilies)[];

export const instanceType = z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "use an instance type, such as t3.small");
export const imageRevision = z.int().min(0);

const subnet = z.strictObject({
	name: hostName.describe("Name of the subnet. A change creates another one."),
	cidr: z
		.cidrv4()
		.describe("Network of the subnet. A host is in the subnet that contains its `address`. A change replaces the subnet and all in it."),
	zone: z
		.string()
		.regex(/^[a-z]$/, "use the letter of an availability zone, such as a")
		.describe("Letter of its availability zone, after the region: `a`. A change replaces the subnet and all in it."),
	public: z
		.boolean()
		.default(false)
		.describe("Reachable from the Internet. The host with role `balancer` is in a public subnet, all others are in private ones."),
	id: z
		.string()
		.regex(/^subnet-[0-9a-f]+$/, "use a subnet's ID, such as subnet-0123456789abcdef0")
		.optional()
		.describe("With `aws.vpcId` only: ID of the subnet. The existing subnet must agree with the other keys."),
});

/** The source system's addresses, with the log host in a subnet of its own, over two zones. */
const subnets = [
	{ name: "public", cidr: "192.168.0.0/24", zone: "a", public: true },
	{ name: "logs", cidr: "192.168.1.0/24", zone: "a" },
	{ name: "nodes-a", cidr: "192.168.2.0/24", zone: "a" },
	{ name: "nodes-c", cidr: "192.168.3.0/24", zone: "c" },
];

export const kmsKeyArn = z
	.string()
	.regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "use a key's ARN: arn:aws:kms:<region>:<account>:key/<id>");

export const aws = z.strictObject({
	region: z
		.string()
		.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "use a region's code, such as ap-northeast-2")
		.optional()
		.describe("Region. Required. A change replaces everything."),
	profile: z
		.string()
		.min(1)
		.optional()
		.describe("Profile of the AWS credentials. Default: as the AWS tools find them (environment, CI role)."),
	operatorCidrs: z
		.array(z.cidrv4())
		.default([])
		.describe("Networks where `pulumi` runs. They may open SSH to the NGINX host, which is the bastion for all others. Required."),
	cidr: z.cidrv4().default("192.168.0.0/16").describe("Network of the VPC that the stack creates. A change replaces everything."),
	vpcId: z
		.string()
		.regex(/^vpc-[0-9a-f]+$/, "use a VPC's ID, such as vpc-0123456789abcdef0")
		.optional()
		.describe("ID of an existing VPC to use. Each subnet then needs an `id`, and you manage the VPC's routes yourself."),
	subnets: z.array(subnet).min(1).prefault(subnets).describe("Subnets, over at least two availability zones."),
	natGateway: z
		.boolean()
		.default(true)
		.describe(
			"Create a NAT gateway in the first public subnet: private hosts fetch packages and images through it. It costs by the hour and by traffic.",
		),
	image: z
		.enum(families)
		.default("ubuntu-24.04")
		.describe("Operating system. A new host gets the vendor's current image, and keeps it. A change replaces all hosts."),
	amiId: z
		.string()
		.regex(/^ami-[0-9a-f]+$/, "use an image's ID, such as ami-0123456789abcdef0")
		.optional()
		.describe("Image to use instead of the vendor's current one. It must belong to the family `image`. A change replaces all hosts."),
	imageRevision: imageRevision
		.default(0)
		.describe(
			"Increase it to replace hosts with the vendor's current image. All hosts with another image are replaced at once; a swarm with one manager is lost.",
		),
	instanceType: instanceType.default("t3.small").describe("Instance type (amd64) of hosts without their own."),
	rootVolumeGiB: z.int().min(8).max(16384).default(20).describe("Size of each host's root volume. It can only grow."),
	logVolumeGiB: z
		.int()
		.min(1)
		.max(16384)
		.default(50)
		.describe(
			"Size of the volume for the collected logs. It can only grow. It outlives its host, and with `logs.keepOnDestroy` the stack. It stays in the zone where it was created.",
		),
	kmsKeyArn: kmsKeyArn
		.optional()
		.describe("Key for all volumes. Default: the account's key for EBS. A change replaces all hosts; the log volume keeps its key."),
	tags: z
		.record(z.string().min(1).max(128), z.string().max(256))
		.default({})
		.describe("Tags on everything, in addition to Name, Project and Stack."),
});
