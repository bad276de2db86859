import type * as pulumi from "@pulumi/pulumi";
import { subnetOf } from "../../../config/rules/aws.ts";
import type { HostConfig, Topology } from "../../../config/schema.ts";
import type { Account } from "./account.ts";
import { type Instance, Volume, VolumeAttachment } from "./sdk.ts";

export interface DataVolume {
	volumeId: pulumi.Output<string>;
	attachment: VolumeAttachment;
}

/** The volume that holds the collected logs. It outlives the instance, and by `logs.keepOnDestroy` the stack. */
export function dataVolume(topology: Topology, host: HostConfig, instance: Instance, { region, opts, tags }: Account): DataVolume {
	const { aws, logs } = topology;
	const volume = new Volume(
		"log-volume",
		{
			availabilityZone: `${region}${subnetOf(topology, host)?.zone}`,
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
		"log-volume",
		// A mounted volume does not come off a running host; stopping writes down what is still in memory.
		{ deviceName: "/dev/sdf", volumeId: volume.id, instanceId: instance.id, stopInstanceBeforeDetaching: true },
		{ ...opts, deleteBeforeReplace: true },
	);
	return { volumeId: volume.id, attachment };
}

/** Label of the file system, at most 16 characters. */
const label = "scaleout-logs";

/** Looks whether it is mounted. See lib/hostRecord.ts. */
export const lookAtMount = (path: string) => `state ${path} "on file system $(findmnt -n -o LABEL ${path})"`;

/**
 * Mounts the volume whose ID comes by standard input at `path`, now and at every boot, and lets its file system take the whole of it. A blank
 * one gets a file system; one that holds anything else is left alone.
 */
export function mountScript(path: string): string {
	return `
# The size is there so that this runs again when it changes.
read -r volume size
serial=\${volume/-/}
device() { for link in /dev/disk/by-id/*"$serial"*; do case $link in *-part*|*'*'*) ;; *) readlink -f "$link"; return; esac; done; return 1; }
for attempt in $(seq 60); do device > /dev/null && break; sleep 2; done
disk=$(device) || { echo "aws.logVolumeGiB: no disk here is volume $volume after two minutes: is it attached, and is the instance type built on Nitro?" >&2; exit 1; }
found=$(blkid -p -o value -s TYPE -s PTTYPE "$disk" || true)
if [ -z "$found" ]; then
  mkfs.ext4 -q -L ${label} "$disk"
elif [ "$found" != ext4 ] || [ "$(blkid -p -o value -s LABEL "$disk")" != ${label} ]; then
  echo "volume $volume holds something ($found) that is not of this stack's logs: it is left as it is" >&2
  exit 1
fi
mkdir -p ${path}
# nofail: a host whose volume is missing still boots, so that one can log in and look.
sed -i '\\,^LABEL=${label} ,d' /etc/fstab
echo 'LABEL=${label} ${path} ext4 defaults,noatime,nofail,x-systemd.device-timeout=60 0 2' >> /etc/fstab
systemctl daemon-reload
mountpoint -q ${path} || mount ${path}
resize2fs "$disk" >&2
[ "$(findmnt -n -o SOURCE --target ${path} | xargs readlink -f)" = "$disk" ] || { echo "${path} is not on volume $volume" >&2; exit 1; }
`.trim();
}
