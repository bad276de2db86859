/* Made from config/sections by `npm run docs`: change it there. */

/**
 * For `source: aws`.
 */
export interface AwsSettings {
	/**
	 * Region. Required. A change replaces everything.
	 */
	region?: string | undefined;
	/**
	 * Profile of the AWS credentials. Default: as the AWS tools find them (environment, CI role).
	 */
	profile?: string | undefined;
	/**
	 * Networks where `pulumi` runs. They may open SSH to the NGINX host, which is the bastion for all others. Required.
	 *
	 * @default []
	 */
	operatorCidrs: string[];
	/**
	 * Network of the VPC that the stack creates. A change replaces everything.
	 *
	 * @default "192.168.0.0/16"
	 */
	cidr: string;
	/**
	 * ID of an existing VPC to use. Each subnet then needs an `id`, and you manage the VPC's routes yourself.
	 */
	vpcId?: string | undefined;
	/**
	 * Subnets, over at least two availability zones.
	 *
	 * @minItems 1
	 */
	subnets: {
		/**
		 * Name of the subnet. A change creates another one.
		 */
		name: string;
		/**
		 * Network of the subnet. A host is in the subnet that contains its `address`. A change replaces the subnet and all in it.
		 */
		cidr: string;
		/**
		 * Letter of its availability zone, after the region: `a`. A change replaces the subnet and all in it.
		 */
		zone: string;
		/**
		 * Reachable from the Internet. The host with role `balancer` is in a public subnet, all others are in private ones.
		 *
		 * @default false
		 */
		public: boolean;
		/**
		 * With `aws.vpcId` only: ID of the subnet. The existing subnet must agree with the other keys.
		 */
		id?: string | undefined;
	}[];
	/**
	 * Create a NAT gateway in the first public subnet: private hosts fetch packages and images through it. It costs by the hour and by traffic.
	 *
	 * @default true
	 */
	natGateway: boolean;
	/**
	 * Operating system. A new host gets the vendor's current image, and keeps it. A change replaces all hosts.
	 *
	 * @default "ubuntu-24.04"
	 */
	image: "ubuntu-26.04" | "ubuntu-24.04" | "ubuntu-22.04" | "debian-13" | "debian-12";
	/**
	 * Image to use instead of the vendor's current one. It must belong to the family `image`. A change replaces all hosts.
	 */
	amiId?: string | undefined;
	/**
	 * Increase it to replace hosts with the vendor's current image. All hosts with another image are replaced at once; a swarm with one manager is lost.
	 *
	 * @default 0
	 */
	imageRevision: number;
	/**
	 * Instance type (amd64) of hosts without their own.
	 *
	 * @default "t3.small"
	 */
	instanceType: string;
	/**
	 * Size of each host's root volume. It can only grow.
	 *
	 * @default 20
	 */
	rootVolumeGiB: number;
	/**
	 * Size of the volume for the collected logs. It can only grow. It outlives its host, and with `logs.keepOnDestroy` the stack. It stays in the zone where it was created.
	 *
	 * @default 50
	 */
	logVolumeGiB: number;
	/**
	 * Key for all volumes. Default: the account's key for EBS. A change replaces all hosts; the log volume keeps its key.
	 */
	kmsKeyArn?: string | undefined;
	/**
	 * Tags on everything, in addition to Name, Project and Stack.
	 *
	 * @default {}
	 */
	tags: {
		[k: string]: string;
	};
}
