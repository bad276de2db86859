import type { IpPermission } from "@aws-sdk/client-ec2";
import { type Handler, type Props, unlessGone } from "../handler.ts";
import { retag, tagged } from "../tags.ts";

export const securityGroup: Handler = {
	inputs: { name: "replace", description: "replace", vpcId: "replace", revokeRulesOnDelete: "update", tags: "update" },
	computed: ["description", "vpcId"],
	autoname: "name",
	async create(inputs, context) {
		const { ec2 } = context;
		const description = inputs.description ?? "Managed by Pulumi";
		const made = await ec2.createSecurityGroup({
			GroupName: inputs.name,
			Description: description,
			VpcId: inputs.vpcId,
			TagSpecifications: tagged("security-group", inputs, context),
		});
		const id = made.GroupId as string;
		// AWS adds a rule that allows everything out. The real provider takes it away again: only declared rules shall hold.
		await ec2.revokeSecurityGroupEgress({ GroupId: id, IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] });
		const { SecurityGroups } = await ec2.describeSecurityGroups({ GroupIds: [id] });
		const { OwnerId: ownerId, VpcId: vpcId } = SecurityGroups?.[0] ?? {};
		return { id, outputs: { description, vpcId, ownerId, arn: `arn:aws:ec2:${context.region}:${ownerId}:security-group/${id}` } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeSecurityGroups({ GroupIds: [id] }));
		return found?.SecurityGroups?.[0] && { name: found.SecurityGroups[0].GroupName };
	},
	update: retag,
	async delete(id, { revokeRulesOnDelete }, { ec2 }) {
		if (revokeRulesOnDelete) {
			const { SecurityGroupRules = [] } = await ec2.describeSecurityGroupRules({ Filters: [{ Name: "group-id", Values: [id] }] });
			const idsOf = (egress: boolean) =>
				SecurityGroupRules.filter(({ IsEgress }) => IsEgress === egress).map(({ SecurityGroupRuleId }) => SecurityGroupRuleId as string);
			const [incoming, outgoing] = [idsOf(false), idsOf(true)];
			if (incoming.length > 0) await ec2.revokeSecurityGroupIngress({ GroupId: id, SecurityGroupRuleIds: incoming });
			if (outgoing.length > 0) await ec2.revokeSecurityGroupEgress({ GroupId: id, SecurityGroupRuleIds: outgoing });
		}
		await unlessGone(ec2.deleteSecurityGroup({ GroupId: id }));
	},
};

/** Rules in one direction: they differ only in the calls that make and unmake them. */
function rule(direction: "Ingress" | "Egress"): Handler {
	return {
		inputs: {
			securityGroupId: "replace",
			ipProtocol: "replace",
			fromPort: "replace",
			toPort: "replace",
			cidrIpv4: "replace",
			referencedSecurityGroupId: "replace",
			description: "replace",
			tags: "update",
		},
		async create(inputs, context) {
			const made = await context.ec2[`authorizeSecurityGroup${direction}`]({
				GroupId: inputs.securityGroupId,
				IpPermissions: [permissionOf(inputs)],
				TagSpecifications: tagged("security-group-rule", inputs, context),
			});
			const { SecurityGroupRuleId: id = "", SecurityGroupRuleArn: arn } = made.SecurityGroupRules?.[0] ?? {};
			return { id, outputs: { securityGroupRuleId: id, arn } };
		},
		async read(id, _state, { ec2 }) {
			const found = await unlessGone(ec2.describeSecurityGroupRules({ SecurityGroupRuleIds: [id] }));
			const rule = found?.SecurityGroupRules?.find(({ SecurityGroupRuleId }) => SecurityGroupRuleId === id);
			return rule && { ipProtocol: rule.IpProtocol };
		},
		update: retag,
		async delete(id, { securityGroupId }, { ec2 }) {
			await unlessGone(ec2[`revokeSecurityGroup${direction}`]({ GroupId: securityGroupId, SecurityGroupRuleIds: [id] }));
		},
	};
}

export const ingressRule = rule("Ingress");
export const egressRule = rule("Egress");

function permissionOf({ ipProtocol, fromPort, toPort, cidrIpv4, referencedSecurityGroupId, description }: Props): IpPermission {
	const Description = description;
	return {
		IpProtocol: ipProtocol,
		FromPort: fromPort,
		ToPort: toPort,
		IpRanges: cidrIpv4 && [{ CidrIp: cidrIpv4, Description }],
		UserIdGroupPairs: referencedSecurityGroupId && [{ GroupId: referencedSecurityGroupId, Description }],
	};
}
