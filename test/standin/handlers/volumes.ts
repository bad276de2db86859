import { type Handler, unlessGone } from "../handler.ts";
import { createDisk, deleteDisk, plugDisk, stopMachine, unplugDisk } from "../machines.ts";
import { retag, tagged } from "../tags.ts";

export const volume: Handler = {
	inputs: {
		availabilityZone: "replace",
		size: "update",
		type: "update",
		iops: "update",
		throughput: "update",
		encrypted: "replace",
		kmsKeyId: "replace",
		snapshotId: "replace",
		finalSnapshot: "update",
		tags: "update",
	},
	computed: ["type", "iops", "throughput", "kmsKeyId", "encrypted"],
	async create(inputs, context) {
		const made = await context.ec2.createVolume({
			AvailabilityZone: inputs.availabilityZone,
			Size: inputs.size,
			VolumeType: inputs.type,
			Iops: inputs.iops,
			Throughput: inputs.throughput,
			Encrypted: inputs.encrypted,
			KmsKeyId: inputs.kmsKeyId,
			SnapshotId: inputs.snapshotId,
			TagSpecifications: tagged("volume", inputs, context),
		});
		const id = made.VolumeId as string;
		if (context.machines) await createDisk(context.machines, id, made.Size as number);
		return { id, outputs: { arn: `arn:aws:ec2:${context.region}::volume/${id}`, type: made.VolumeType, encrypted: made.Encrypted } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeVolumes({ VolumeIds: [id] }));
		return found?.Volumes?.[0] && { size: found.Volumes[0].Size, type: found.Volumes[0].VolumeType };
	},
	async update(id, olds, news, context) {
		const changed = ["size", "type", "iops", "throughput"].some((name) => news[name] !== undefined && news[name] !== olds[name]);
		if (changed) {
			if (context.machines && news.size !== olds.size) throw new Error("the stand-in does not grow the disk of a local machine");
			const { size: Size, type: VolumeType, iops: Iops, throughput: Throughput } = news;
			await context.ec2.modifyVolume({ VolumeId: id, Size, VolumeType, Iops, Throughput });
		}
		return retag(id, olds, news, context);
	},
	async delete(id, { finalSnapshot }, { ec2, machines }) {
		if (finalSnapshot) await ec2.createSnapshot({ VolumeId: id });
		await unlessGone(ec2.deleteVolume({ VolumeId: id }));
		if (machines) await deleteDisk(machines, id);
	},
};

export const volumeAttachment: Handler = {
	inputs: {
		deviceName: "replace",
		instanceId: "replace",
		volumeId: "replace",
		forceDetach: "update",
		skipDestroy: "update",
		stopInstanceBeforeDetaching: "update",
	},
	async create({ deviceName, instanceId, volumeId }, { ec2, machines }) {
		await ec2.attachVolume({ Device: deviceName, InstanceId: instanceId, VolumeId: volumeId });
		if (machines) await plugDisk(machines, instanceId, volumeId);
		return { id: `vai-${volumeId}-${instanceId}`, outputs: {} };
	},
	async read(_id, { instanceId, volumeId }, { ec2 }) {
		const found = await unlessGone(ec2.describeVolumes({ VolumeIds: [volumeId] }));
		const attachment = found?.Volumes?.[0]?.Attachments?.find(({ InstanceId }) => InstanceId === instanceId);
		return attachment && { deviceName: attachment.Device };
	},
	async update() {
		return {};
	},
	async delete(_id, { deviceName, instanceId, volumeId, forceDetach, skipDestroy, stopInstanceBeforeDetaching }, { ec2, machines }) {
		if (skipDestroy) return;
		if (stopInstanceBeforeDetaching) {
			await unlessGone(ec2.stopInstances({ InstanceIds: [instanceId] }));
			if (machines) await stopMachine(machines, instanceId);
		}
		if (machines) await unplugDisk(machines, instanceId, volumeId);
		await unlessGone(ec2.detachVolume({ Device: deviceName, InstanceId: instanceId, VolumeId: volumeId, Force: forceDetach }));
	},
};
