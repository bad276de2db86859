import { Address4 } from "ip-address";

/** Image families that the hosts' steps support, with the vendor's public parameter and the image's login. */
export const imageFamilies = {
	"ubuntu-26.04": { parameter: "/aws/service/canonical/ubuntu/server/26.04/stable/current/amd64/hvm/ebs-gp3/ami-id", user: "ubuntu" },
	"ubuntu-24.04": { parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", user: "ubuntu" },
	"ubuntu-22.04": { parameter: "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id", user: "ubuntu" },
	"debian-13": { parameter: "/aws/service/debian/release/13/latest/amd64", user: "admin" },
	"debian-12": { parameter: "/aws/service/debian/release/12/latest/amd64", user: "admin" },
} as const;

/** The subnet that contains an address. */
export function subnetOf<S extends { cidr: string }>(subnets: S[], address: string): S | undefined {
	return subnets.find(({ cidr }) => new Address4(address).isInSubnet(new Address4(cidr)));
}
