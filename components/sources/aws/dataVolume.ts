import type * as pulumi from "@pulumi/pulumi";
import { subnetOf } from "../../../lib/aws.ts";
import type { HostStepArgs } from "../../host.ts";
import type { HostSettings } from "../../settings/hosts.ts";
import type { Account } from "./account.ts";
import type { AwsArgs } from "./index.ts";
import { type Instance, Volume, VolumeAttachment } from "./sdk.ts";

export interface DataVolume {
	volumeId: pulumi.Output<string>;
	attachment: VolumeAttachment;
}

/** The volume that holds the collected logs. It outlives the instance, and by `logs.keepOnDestroy` the stack. */
export function dataVolume(
	{ aws, logs }: AwsArgs,
	host: HostSettings,
	instance: Instance,
	{ region, named, opts, tags }: Account,
): DataVolume {
	const volume = new Volume(
		named("log-volume"),
		{
			availabilityZone: `${region}${subnetOf(aws.subnets, host.address)?.zone}`,
			size: aws.logVolumeGiB,
			type: "gp3",
			encrypted: true,
			...(aws.kmsKeyArn && { kmsKeyId: aws.kmsKeyArn }),
			tags: tags("logs"),
		},
		// Both would replace the volume, that is, begin with an empty one.
		{ ...opts, retainOnDelete: logs.keepOnDestroy, ignoreChanges: ["availabilityZone", "kmsKeyId"] },
	);
	const attachment = new VolumeAttachment(
		named("log-volume"),
		// A mounted volume does not come off a running host; stopping writes down what is still in memory.
		{ deviceName: "/dev/sdf", volumeId: volume.id, instanceId: instance.id, stopInstanceBeforeDetaching: true },
		{ ...opts, deleteBeforeReplace: true },
	);
	return { volumeId: volume.id, attachment };
}

/** Label of the file system, at most 16 characters. */
const label = "scaleout-logs";

/** Mounts the volume at `path`. `size`: its file system grows with it. */
export function mountStep(volume: pulumi.Input<string>, path: string, size: string): HostStepArgs {
	return { step: "aws/mount", settings: { volume, path, label }, checks: [`mounted ${path}`], because: { size } };
}
