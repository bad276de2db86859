import { type Handler, unlessGone } from "../handler.ts";
import { retag, tagged } from "../tags.ts";

export const routeTable: Handler = {
	inputs: { vpcId: "replace", tags: "update" },
	async create(inputs, context) {
		const TagSpecifications = tagged("route-table", inputs, context);
		const { RouteTable } = await context.ec2.createRouteTable({ VpcId: inputs.vpcId, TagSpecifications });
		const { RouteTableId: id = "", OwnerId: ownerId } = RouteTable ?? {};
		return { id, outputs: { arn: `arn:aws:ec2:${context.region}:${ownerId}:route-table/${id}`, ownerId } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeRouteTables({ RouteTableIds: [id] }));
		return found?.RouteTables?.[0] && { vpcId: found.RouteTables[0].VpcId };
	},
	update: retag,
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.deleteRouteTable({ RouteTableId: id }));
	},
};

export const route: Handler = {
	inputs: { routeTableId: "replace", destinationCidrBlock: "replace", gatewayId: "update", natGatewayId: "update" },
	async create(inputs, { ec2 }) {
		const { routeTableId, destinationCidrBlock, gatewayId, natGatewayId } = inputs;
		const where = { RouteTableId: routeTableId, DestinationCidrBlock: destinationCidrBlock };
		await ec2.createRoute({ ...where, GatewayId: gatewayId, NatGatewayId: natGatewayId });
		return { id: `r-${routeTableId}-${destinationCidrBlock}`, outputs: { state: "active", origin: "CreateRoute" } };
	},
	async read(_id, { routeTableId, destinationCidrBlock }, { ec2 }) {
		const found = await unlessGone(ec2.describeRouteTables({ RouteTableIds: [routeTableId] }));
		const route = found?.RouteTables?.[0]?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === destinationCidrBlock);
		return route && { gatewayId: route.GatewayId, natGatewayId: route.NatGatewayId };
	},
	async update(_id, _olds, { routeTableId, destinationCidrBlock, gatewayId, natGatewayId }, { ec2 }) {
		const where = { RouteTableId: routeTableId, DestinationCidrBlock: destinationCidrBlock };
		await ec2.replaceRoute({ ...where, GatewayId: gatewayId, NatGatewayId: natGatewayId });
		return {};
	},
	async delete(_id, { routeTableId, destinationCidrBlock }, { ec2 }) {
		await unlessGone(ec2.deleteRoute({ RouteTableId: routeTableId, DestinationCidrBlock: destinationCidrBlock }));
	},
};

export const routeTableAssociation: Handler = {
	inputs: { subnetId: "replace", gatewayId: "replace", routeTableId: "replace" },
	async create({ subnetId, gatewayId, routeTableId }, { ec2 }) {
		const made = await ec2.associateRouteTable({ RouteTableId: routeTableId, SubnetId: subnetId, GatewayId: gatewayId });
		return { id: made.AssociationId as string, outputs: {} };
	},
	async read(id, { routeTableId }, { ec2 }) {
		const found = await unlessGone(ec2.describeRouteTables({ RouteTableIds: [routeTableId] }));
		const association = found?.RouteTables?.[0]?.Associations?.find(({ RouteTableAssociationId }) => RouteTableAssociationId === id);
		return association && { subnetId: association.SubnetId };
	},
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.disassociateRouteTable({ AssociationId: id }));
	},
};
