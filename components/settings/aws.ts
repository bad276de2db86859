/* Made from config/sections by `npm run docs`: change it there. */

/**
 * For `source: aws`.
 */
export interface AwsSettings {
	/**
	 * Region. Required. A change replaces all.
	 */
	region?: string;
	/**
	 * Profile of the AWS credentials. Default: as the AWS tools find them (environment, CI role).
	 */
	profile?: string;
	/**
	 * Networks that may open SSH to the NGINX host, the bastion for all others: where `pulumi` runs. Required.
	 *
	 * @default []
	 */
	operatorCidrs: string[];
	/**
	 * Network of the VPC that is made. A change replaces all.
	 *
	 * @default "192.168.0.0/16"
	 */
	cidr: string;
	/**
	 * An existing VPC instead of one that is made. Each subnet then has an `id`, and routes are the VPC's own affair.
	 */
	vpcId?: string;
	/**
	 * Subnets, over at least two availability zones.
	 *
	 * @minItems 1
	 */
	subnets: {
		/**
		 * Name of the subnet. A change makes another one.
		 */
		name: string;
		/**
		 * Its network. Hosts are placed by their `address`. A change replaces the subnet and all in it.
		 */
		cidr: string;
		/**
		 * Letter of its availability zone, after the region: `a`. A change replaces the subnet and all in it.
		 */
		zone: string;
		/**
		 * It has a way in from the Internet. The host with role `balancer` is in a public one, all others are not.
		 *
		 * @default false
		 */
		public: boolean;
		/**
		 * With `aws.vpcId` only: ID of the subnet. What it really is must agree with the other keys.
		 */
		id?: string;
	}[];
	/**
	 * Make a NAT gateway in the first public subnet: private hosts fetch packages and images through it. It costs by the hour and by traffic.
	 *
	 * @default true
	 */
	natGateway: boolean;
	/**
	 * Operating system. The vendor's current image is taken when a host is made, and stays. A change replaces all hosts.
	 *
	 * @default "ubuntu-24.04"
	 */
	image: "ubuntu-26.04" | "ubuntu-24.04" | "ubuntu-22.04" | "debian-13" | "debian-12";
	/**
	 * Image to use instead of the vendor's current one; of the family `image`. A change replaces all hosts.
	 */
	amiId?: string;
	/**
	 * Count it up to take the vendor's current image. Hosts that have another one are replaced, all at once; a swarm of one manager is lost with it.
	 *
	 * @default 0
	 */
	imageRevision: number;
	/**
	 * Instance type (amd64) of hosts that name none.
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
	 * Size of the volume that holds the collected logs. It can only grow. It outlives its host, and with `logs.keepOnDestroy` the stack. It stays in the zone it was made in.
	 *
	 * @default 50
	 */
	logVolumeGiB: number;
	/**
	 * Key for all volumes. Default: the account's own for EBS. A change replaces all hosts; the volume of the logs keeps its key.
	 */
	kmsKeyArn?: string;
	/**
	 * Tags on everything, beside Name, Project and Stack.
	 *
	 * @default {}
	 */
	tags: {
		[k: string]: string;
	};
}
