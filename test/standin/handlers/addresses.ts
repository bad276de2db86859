import { type Handler, unlessGone } from "../handler.ts";
import { closeAddress, openAddress } from "../machines.ts";
import { retag, tagged } from "../tags.ts";

/* The emulator's public addresses are of the loopback network (127.0.0.0/8), so that local machines can be reached under them. */

export const address: Handler = {
	inputs: { domain: "replace", tags: "update" },
	computed: ["domain"],
	async create(inputs, context) {
		const made = await context.ec2.allocateAddress({ Domain: inputs.domain, TagSpecifications: tagged("elastic-ip", inputs, context) });
		const { AllocationId: id = "", PublicIp: publicIp, Domain: domain } = made;
		return { id, outputs: { allocationId: id, publicIp, domain } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeAddresses({ AllocationIds: [id] }));
		return found?.Addresses?.[0] && { publicIp: found.Addresses[0].PublicIp };
	},
	update: retag,
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.releaseAddress({ AllocationId: id }));
	},
};

export const addressAssociation: Handler = {
	inputs: { allocationId: "replace", instanceId: "replace", allowReassociation: "replace" },
	async create({ allocationId, instanceId, allowReassociation }, { ec2, machines }) {
		const what = { AllocationId: allocationId, InstanceId: instanceId, AllowReassociation: allowReassociation };
		const { AssociationId: id = "" } = await ec2.associateAddress(what);
		const { Addresses = [] } = await ec2.describeAddresses({ AllocationIds: [allocationId] });
		const publicIp = Addresses[0]?.PublicIp as string;
		if (machines) await openAddress(machines, instanceId, publicIp);
		return { id, outputs: { publicIp } };
	},
	async read(id, state, { ec2 }) {
		const found = await unlessGone(ec2.describeAddresses({ AllocationIds: [state.allocationId] }));
		const [address] = found?.Addresses ?? [];
		return address?.AssociationId === id ? { instanceId: address.InstanceId } : undefined;
	},
	async delete(id, { instanceId }, { ec2, machines }) {
		if (machines) await closeAddress(machines, instanceId);
		await unlessGone(ec2.disassociateAddress({ AssociationId: id }));
	},
};
