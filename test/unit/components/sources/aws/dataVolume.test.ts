import * as fs from "node:fs";
import * as path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { mountStep } from "../../../../../components/sources/aws/dataVolume.ts";
import { settingsIn } from "../../../../../host/manifest.ts";
import { eachOnHost } from "../../../../support/eachHost.ts";
import type { Recorder } from "../../../../support/mocks.ts";
import type { StandInHost } from "../../../../support/standInHost.ts";
import { runStep } from "../../../../support/step.ts";
import { recordHosts, tagged } from "./support.ts";

describe("the volume of the collected logs", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts();
	});

	test("is encrypted, in the log host's zone, attached to it, and outlives instance and stack", () => {
		const volume = recorder.find("hosts-log-volume", ":Volume");
		expect(volume.inputs).toEqual({ availabilityZone: "ap-northeast-2a", size: 50, type: "gp3", encrypted: true, tags: tagged("logs") });
		expect(volume.retainOnDelete).toBe(true);
		expect(volume.ignoreChanges).toEqual(["availabilityZone", "kmsKeyId"]);
		const attachment = recorder.find("hosts-log-volume", ":VolumeAttachment");
		expect(attachment.inputs).toEqual({
			deviceName: "/dev/sdf",
			volumeId: "id-of-hosts-log-volume",
			instanceId: "id-of-hosts-log",
			stopInstanceBeforeDetaching: true,
		});
		expect(attachment.deleteBeforeReplace).toBe(true);
	});

	test("goes with the stack when the logs need not be kept", async () => {
		const other = await recordHosts((config) => {
			config.logs.keepOnDestroy = false;
		});
		expect(other.find("hosts-log-volume", ":Volume").retainOnDelete).toBe(false);
	});

	test("is mounted by its ID before any other step on the log host", () => {
		const mount = recorder.find("hosts-log-volume-mount");
		expect(settingsIn(mount.inputs.stdin)).toMatchObject({ volume: "id-of-hosts-log-volume", path: "/mnt/main-was-logs" });
		// Its file system grows when it does.
		expect(mount.inputs.stdin).toContain("\n@because size 50 GiB\n");
		expect(mount.inputs.connection.host).toBe("192.168.1.20");
		expect(recorder.isAfter(mount, recorder.find("hosts-log-volume", ":VolumeAttachment"))).toBe(true);
		expect(recorder.isAfter(mount, recorder.find("hosts-log-bootstrap"))).toBe(true);
	});
});

describe("the step that mounts it", () => {
	const volume = "vol-0123456789abcdef0";
	let host: StandInHost;
	eachOnHost((fresh) => {
		host = fresh;
		const link = path.join(host.root, "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0");
		fs.symlinkSync("disk", link);
		fs.symlinkSync("disk-part", `${link}-part1`);
		fs.writeFileSync(path.join(host.root, "etc/fstab"), "/dev/vda / ext4 defaults 0 1\n");
	});

	/** `type`, `label`: what the disk holds. */
	function run(id: string, type = "", label = "") {
		const standIns = `
blkid() { case "$*" in *TYPE*) [ -n '${type}' ] && echo '${type}' || return 2 ;; *LABEL*) echo '${label}' ;; esac; }
mountpoint() { return 1; }
mkfs.ext4() { said mkfs.ext4 "$@"; }
mount() { said mount "$@"; }
resize2fs() { said resize2fs "$@"; }
export -f blkid mountpoint mkfs.ext4 mount resize2fs`;
		return {
			...runStep(host, mountStep(id, "/mnt/main-was-logs", "50 GiB"), standIns),
			fstab: fs.readFileSync(path.join(host.root, "etc/fstab"), "utf8"),
		};
	}
	const disk = () => path.join(host.root, "dev/disk/by-id/disk");
	const directory = () => path.join(host.root, "mnt/main-was-logs");

	test("gives a blank volume a file system, and finds it by label at every boot", () => {
		const { stderr, status, fstab } = run(volume);
		expect(status, stderr).toBe(0);
		expect(host.calls("mkfs.ext4")).toEqual([["mkfs.ext4", "-q", "-L", "scaleout-logs", disk()]]);
		expect(host.calls("mount")).toEqual([["mount", directory()]]);
		expect(fstab).toBe(
			`/dev/vda / ext4 defaults 0 1\nLABEL=scaleout-logs ${directory()} ext4 defaults,noatime,nofail,x-systemd.device-timeout=60 0 2\n`,
		);
	});

	test("takes a volume with the logs as it is, but for its size, also the second time", () => {
		const first = run(volume, "ext4", "scaleout-logs");
		const second = run(volume, "ext4", "scaleout-logs");
		expect([first.status, second.status], second.stderr).toEqual([0, 0]);
		expect(host.calls("mkfs.ext4")).toEqual([]);
		expect(host.calls("mount")).toEqual(Array(2).fill(["mount", directory()]));
		expect(host.calls("resize2fs")).toEqual(Array(2).fill(["resize2fs", disk()]));
		expect(second.fstab).toBe(first.fstab);
	});

	test.each([
		["xfs", ""],
		["ext4", "somebody-elses"],
		["dos", ""],
	])("leaves a volume alone that holds something else: %s %s", (type, label) => {
		const { stderr, status, fstab } = run(volume, type, label);
		expect(status).toBe(1);
		expect(stderr).toMatch(new RegExp(`^volume ${volume} holds something \\(${type}\\) .* it is left as it is\n`));
		expect(["mkfs.ext4", "mount", "resize2fs"].flatMap((program) => host.calls(program))).toEqual([]);
		expect(fstab).not.toContain("scaleout");
	});

	test("says so when no disk is the volume", () => {
		const { stderr, status } = run("vol-0ffffffffffffffff");
		expect(status).toBe(1);
		expect(stderr).toMatch(/^aws\.logVolumeGiB: no disk here is volume vol-0ffffffffffffffff after two minutes/);
	});
});
