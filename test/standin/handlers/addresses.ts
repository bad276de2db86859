import * as fs from "node:fs/promises";
import * as path from "node:path";
import { type Context, type Handler, type Props, unlessGone } from "../handler.ts";
import { closeAddress, openAddress } from "../machines.ts";
import { retag, tagged } from "../tags.ts";

/*
 * Elastic IPs. With local machines, a public address is one of the loopback interface; which one belongs to which allocation is kept in
 * files, whose exclusive creation also keeps two allocations apart.
 */

const directoryOf = (machines: string) => path.join(machines, "addresses");

async function takeAddress(machines: string, allocation: string): Promise<string> {
	await fs.mkdir(directoryOf(machines), { recursive: true, mode: 0o700 });
	for (let last = 2; last < 255; last++) {
		const address = `127.0.0.${last}`;
		try {
			await fs.writeFile(path.join(directoryOf(machines), address), allocation, { flag: "wx" });
			return address;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
	}
	throw new Error("the stand-in has no loopback address left");
}

/** The public address of an allocation: the emulator's, or the loopback one that stands for it. */
export async function addressOf(allocation: string, { machines, ec2 }: Context): Promise<string | undefined> {
	if (machines) {
		for (const address of await fs.readdir(directoryOf(machines)).catch(() => [])) {
			if ((await fs.readFile(path.join(directoryOf(machines), address), "utf8")) === allocation) return address;
		}
	}
	return (await ec2.describeAddresses({ AllocationIds: [allocation] })).Addresses?.[0]?.PublicIp;
}

async function giveBack(allocation: string, context: Context): Promise<void> {
	const address = await addressOf(allocation, context);
	if (context.machines && address) await fs.rm(path.join(directoryOf(context.machines), address), { force: true });
}

export const address: Handler = {
	inputs: { domain: "replace", tags: "update" },
	computed: ["domain"],
	async create(inputs, context) {
		const made = await context.ec2.allocateAddress({ Domain: inputs.domain, TagSpecifications: tagged("elastic-ip", inputs, context) });
		const id = made.AllocationId as string;
		const publicIp = context.machines ? await takeAddress(context.machines, id) : made.PublicIp;
		return { id, outputs: { allocationId: id, publicIp, domain: made.Domain } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeAddresses({ AllocationIds: [id] }));
		return found?.Addresses?.[0] && { associationId: found.Addresses[0].AssociationId };
	},
	update: retag,
	async delete(id, _state, context) {
		await giveBack(id, context);
		await unlessGone(context.ec2.releaseAddress({ AllocationId: id }));
	},
};

export const addressAssociation: Handler = {
	inputs: { allocationId: "replace", instanceId: "replace", allowReassociation: "replace" },
	async create(inputs, context) {
		const { allocationId, instanceId, allowReassociation } = inputs;
		const made = await context.ec2.associateAddress({
			AllocationId: allocationId,
			InstanceId: instanceId,
			AllowReassociation: allowReassociation,
		});
		const publicIp = await addressOf(allocationId, context);
		if (context.machines && publicIp) await openAddress(context.machines, instanceId, publicIp);
		return { id: made.AssociationId as string, outputs: { publicIp } };
	},
	async read(id, state, { ec2 }) {
		const found = await unlessGone(ec2.describeAddresses({ AllocationIds: [state.allocationId] }));
		const [address] = found?.Addresses ?? [];
		return address?.AssociationId === id ? { instanceId: address.InstanceId } : undefined;
	},
	async delete(id, { instanceId }: Props, { ec2, machines }) {
		if (machines) await closeAddress(machines, instanceId);
		await unlessGone(ec2.disassociateAddress({ AssociationId: id }));
	},
};
