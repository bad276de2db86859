import type * as pulumi from "@pulumi/pulumi";
import { ConfigError, type Fault } from "../../../lib/fault.ts";
import type { AwsSettings } from "../../settings/aws.ts";
import type { Account } from "./account.ts";
import { Eip, getSubnetOutput, InternetGateway, NatGateway, Route, RouteTable, RouteTableAssociation, Subnet, Vpc } from "./sdk.ts";

export interface Network {
	vpcId: pulumi.Input<string>;
	/** By the subnets' names. */
	subnetIds: Record<string, pulumi.Input<string>>;
	/** The subnets' routes: what needs the Internet waits for these. */
	routes: pulumi.Resource[];
}

/** The VPC with its subnets: created here, or an existing one. */
export function network(aws: AwsSettings, account: Account): Network {
	return aws.vpcId ? existingNetwork(aws, aws.vpcId, account) : madeNetwork(aws, account);
}

function madeNetwork(aws: AwsSettings, account: Account): Network {
	const { region, named, opts, tags } = account;
	const vpc = new Vpc(named("vpc"), { cidrBlock: aws.cidr, enableDnsSupport: true, enableDnsHostnames: true, tags: tags("vpc") }, opts);
	const gateway = new InternetGateway(named("internet-gateway"), { vpcId: vpc.id, tags: tags("internet-gateway") }, opts);
	const subnets = aws.subnets.map(({ name, cidr, zone, public: isPublic }) => {
		const args = { vpcId: vpc.id, cidrBlock: cidr, availabilityZone: `${region}${zone}`, mapPublicIpOnLaunch: false, tags: tags(name) };
		return { name, isPublic, subnet: new Subnet(named(`subnet-${name}`), args, opts) };
	});
	/** A routing table for some of the subnets. `way`: the gateway to the Internet. */
	const routed = (kind: "public" | "private", way?: { gatewayId: pulumi.Input<string> } | { natGatewayId: pulumi.Input<string> }) => {
		const table = new RouteTable(named(`${kind}-routes`), { vpcId: vpc.id, tags: tags(`${kind}-routes`) }, opts);
		const route = way && new Route(named(`${kind}-way-out`), { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", ...way }, opts);
		const associations = subnets
			.filter(({ isPublic }) => isPublic === (kind === "public"))
			.map(
				({ name, subnet }) =>
					new RouteTableAssociation(named(`subnet-${name}-routes`), { routeTableId: table.id, subnetId: subnet.id }, opts),
			);
		return route ? [route, ...associations] : associations;
	};
	const publicRoutes = routed("public", { gatewayId: gateway.id });
	const home = subnets.find(({ isPublic }) => isPublic);
	const nat = aws.natGateway && home ? natGateway(home.subnet, publicRoutes, account) : undefined;
	return {
		vpcId: vpc.id,
		subnetIds: Object.fromEntries(subnets.map(({ name, subnet }) => [name, subnet.id])),
		routes: [...publicRoutes, ...routed("private", nat && { natGatewayId: nat.id })],
	};
}

function natGateway(subnet: Subnet, publicRoutes: pulumi.Resource[], { named, opts, tags }: Account): NatGateway {
	const waiting = { ...opts, dependsOn: publicRoutes };
	const address = new Eip(named("nat-address"), { domain: "vpc", tags: tags("nat") }, waiting);
	return new NatGateway(named("nat"), { allocationId: address.id, subnetId: subnet.id, tags: tags("nat") }, waiting);
}

/** Existing subnets by their IDs, after a check that they agree with the configuration, which decides where hosts are placed. */
function existingNetwork(aws: AwsSettings, vpcId: string, { region, opts }: Account): Network {
	const checked = aws.subnets.map(({ name, id }, i) => {
		const subnetId = getSubnetOutput({ id: id as string }, opts).apply((found) => {
			const faults = existingSubnetFaults(aws, i, region, found);
			if (faults.length > 0) throw new ConfigError(faults);
			return found.id;
		});
		return [name, subnetId] as const;
	});
	return { vpcId, subnetIds: Object.fromEntries(checked), routes: [] };
}

/** Differences between an existing subnet and its description in the configuration. Pure. */
export function existingSubnetFaults(
	{ vpcId, subnets }: AwsSettings,
	i: number,
	region: string,
	found: { vpcId: string; cidrBlock: string; availabilityZone: string },
): Fault[] {
	const { id, cidr, zone } = subnets[i] as AwsSettings["subnets"][number];
	const comparisons: [property: string, value: unknown, wanted: unknown, found: string][] = [
		["aws.vpcId", vpcId, vpcId, found.vpcId],
		[`aws.subnets[${i}].cidr`, cidr, cidr, found.cidrBlock],
		[`aws.subnets[${i}].zone`, zone, `${region}${zone}`, found.availabilityZone],
	];
	return comparisons
		.filter(([, , wanted, really]) => wanted !== really)
		.map(([property, value, , really]) => ({ property, value, remedy: `${id} is ${really}: write that, or name another subnet` }));
}
