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

/** The volume for the collected logs. It outlives the instance, and with `logs.keepOnDestroy` the stack. */
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
		// A change of either would replace the volume by an empty one.
		{ ...opts, retainOnDelete: logs.keepOnDestroy, ignoreChanges: ["availabilityZone", "kmsKeyId"] },
	);
	const attachment = new VolumeAttachment(
		named("log-volume"),
		// A mounted volume cannot be detached from a running host; a stop also writes what is still in memory.
		{ deviceName: "/dev/sdf", volumeId: volume.id, instanceId: instance.id, stopInstanceBeforeDetaching: true },
		{ ...opts, deleteBeforeReplace: true },
	);
	return { volumeId: volume.id, attachment };
}

/** Label of the file system, at most 16 characters. */
const label = "scaleout-logs";

/** Mounts the volume at `path`. `size`: a change makes the step run again, so that the file system grows with the volume. */
export function mountStep(volume: pulumi.Input<string>, path: string, size: string): HostStepArgs {
	return { step: "aws/mount", settings: { volume, path, label }, checks: [`mounted ${path}`], because: { size } };
}
