import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mountScript } from "../../../../../components/sources/aws/dataVolume.ts";
import type { Recorder } from "../../../../support/mocks.ts";
import { syntaxFault } from "../../../fixtures.ts";
import { recordHosts, tagged } from "./support.ts";

describe("the volume of the collected logs", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts();
	});

	test("is encrypted, in the log host's zone, attached to it, and outlives instance and stack", () => {
		const volume = recorder.find("log-volume", ":Volume");
		expect(volume.inputs).toEqual({ availabilityZone: "ap-northeast-2a", size: 50, type: "gp3", encrypted: true, tags: tagged("logs") });
		expect(volume.retainOnDelete).toBe(true);
		expect(volume.ignoreChanges).toEqual(["availabilityZone", "kmsKeyId"]);
		const attachment = recorder.find("log-volume", ":VolumeAttachment");
		expect(attachment.inputs).toEqual({
			deviceName: "/dev/sdf",
			volumeId: "id-of-log-volume",
			instanceId: "id-of-log",
			stopInstanceBeforeDetaching: true,
		});
		expect(attachment.deleteBeforeReplace).toBe(true);
	});

	test("goes with the stack when the logs need not be kept", async () => {
		const other = await recordHosts((config) => {
			config.logs.keepOnDestroy = false;
		});
		expect(other.find("log-volume", ":Volume").retainOnDelete).toBe(false);
	});

	test("is mounted by its ID before anything else happens on the log host", () => {
		const mount = recorder.find("log-volume-mount");
		expect(mount.inputs.stdin).toBe("id-of-log-volume 50GiB\n");
		expect(mount.inputs.connection.host).toBe("192.168.1.20");
		expect(recorder.isAfter(mount, recorder.find("log-volume", ":VolumeAttachment"))).toBe(true);
		expect(recorder.isAfter(mount, recorder.find("log-boot"))).toBe(true);
		expect(recorder.isAfter(recorder.find("log-packages"), mount)).toBe(true);
	});
});

describe("the script that mounts it", () => {
	let directory: string;
	beforeEach(() => {
		directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-mount-"));
		fs.mkdirSync(path.join(directory, "by-id"));
		fs.writeFileSync(path.join(directory, "fstab"), "/dev/vda / ext4 defaults 0 1\n");
		fs.writeFileSync(path.join(directory, "disk"), "");
		fs.symlinkSync("../disk", path.join(directory, "by-id", "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"));
		fs.symlinkSync("../disk-part", path.join(directory, "by-id", "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0-part1"));
	});
	afterEach(() => fs.rmSync(directory, { recursive: true }));

	/** Runs it on directories of its own, against stand-ins of the programs. `type`, `label`: what the disk holds. */
	function run(volume: string, type = "", label = "") {
		const stubs = `
blkid() { case "$*" in *TYPE*) [ -n '${type}' ] && echo '${type}' || return 2 ;; *LABEL*) echo '${label}' ;; esac; }
mkfs.ext4() { echo "mkfs.ext4 $*"; }
mount() { echo "mount $*"; }
mountpoint() { return 1; }
resize2fs() { echo "resize2fs $*" > "${directory}/resized"; }
findmnt() { echo "${directory}/disk"; }
systemctl() { :; }
sleep() { :; }
`;
		const script = mountScript(path.join(directory, "logs"))
			.replaceAll("/dev/disk/by-id", path.join(directory, "by-id"))
			.replaceAll("/etc/fstab", path.join(directory, "fstab"));
		const result = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", stubs + script], {
			input: `${volume} 50GiB\n`,
			encoding: "utf8",
		});
		return { ...result, fstab: fs.readFileSync(path.join(directory, "fstab"), "utf8") };
	}
	const volume = "vol-0123456789abcdef0";

	test("is bash", () => {
		expect(syntaxFault(mountScript("/mnt/main-was-logs"))).toBe("");
	});

	test("gives a blank volume a file system, and finds it by label at every boot", () => {
		const { stdout, stderr, status, fstab } = run(volume);
		expect(status, stderr).toBe(0);
		expect(stdout).toBe(`mkfs.ext4 -q -L scaleout-logs ${directory}/disk\nmount ${directory}/logs\n`);
		expect(fstab).toBe(
			`/dev/vda / ext4 defaults 0 1\nLABEL=scaleout-logs ${directory}/logs ext4 defaults,noatime,nofail,x-systemd.device-timeout=60 0 2\n`,
		);
	});

	test("takes a volume with the logs as it is, but for its size, also the second time", () => {
		const first = run(volume, "ext4", "scaleout-logs");
		const second = run(volume, "ext4", "scaleout-logs");
		expect([first.status, second.status], second.stderr).toEqual([0, 0]);
		for (const { stdout } of [first, second]) expect(stdout).toBe(`mount ${directory}/logs\n`);
		expect(fs.readFileSync(path.join(directory, "resized"), "utf8")).toBe(`resize2fs ${directory}/disk\n`);
		expect(second.fstab).toBe(first.fstab);
	});

	test.each([
		["xfs", ""],
		["ext4", "somebody-elses"],
	])("leaves a volume alone that holds something else: %s %s", (type, label) => {
		const { stdout, stderr, status, fstab } = run(volume, type, label);
		expect(status).toBe(1);
		expect(stderr).toContain("it is left as it is");
		expect(stdout).toBe("");
		expect(fstab).not.toContain("scaleout");
	});

	test("says so when no disk is the volume", () => {
		const { stderr, status } = run("vol-0ffffffffffffffff");
		expect(status).toBe(1);
		expect(stderr).toContain("no disk here is volume vol-0ffffffffffffffff");
	});
});
