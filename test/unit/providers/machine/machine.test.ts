import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { type QemuMachine, qemuArguments } from "../../../../providers/machine/qemu.ts";
import type { MachineInputs } from "../../../../providers/machine/resource.ts";
import { ensureHostKey, hostKeyFiles, hostKeyOf, seedFiles, writeSeed } from "../../../../providers/machine/seed.ts";

const inputs: MachineInputs & QemuMachine = {
	hostname: "log",
	directory: "lab/log",
	imageDirectory: "/cache/root-image",
	memoryMiB: 768,
	cpus: 2,
	address: "192.168.1.20/16",
	lanPort: 23400,
	sshPort: 2403,
	forwards: [
		{ hostPort: 2403, guestPort: 22 },
		{ hostPort: 8088, guestPort: 80 },
	],
	authorizedKey: "ssh-ed25519 AAAA-operator\n",
	privateKey: "planted-private-key",
	disks: [{ file: "lab/log-disk.ext4", serial: "logs", mountPoint: "/mnt/main-was-logs" }],
};

describe("the command line of a machine", () => {
	const args = qemuArguments(inputs, "tcg");
	/** The values of an option, which may come several times. */
	const all = (option: string, of = args) => of.filter((_value, i) => of[i - 1] === option);
	const one = (option: string, of = args) => all(option, of).join();

	test("gives it its name, memory and CPUs", () => {
		expect([one("-name"), one("-m"), one("-smp")]).toEqual(["log", "768", "2"]);
	});

	test("emulates fully, or uses KVM with the host's CPU", () => {
		expect([one("-accel"), one("-cpu")]).toEqual(["tcg,thread=multi,tb-size=512", "max,-avx,-avx2"]);
		const kvm = qemuArguments(inputs, "kvm");
		expect([one("-accel", kvm), one("-cpu", kvm)]).toEqual(["kvm", "host"]);
	});

	test("opens ports on the loopback interface only", () => {
		const [wan = "", lan = ""] = all("-netdev");
		expect(wan.split(",").slice(2)).toEqual(["hostfwd=tcp:127.0.0.1:2403-:22", "hostfwd=tcp:127.0.0.1:8088-:80"]);
		const elsewhere = { ...inputs, forwards: [{ hostAddress: "127.0.0.2", hostPort: 80, guestPort: 80 }] };
		expect(all("-netdev", qemuArguments(elsewhere, "tcg"))[0]).toContain("hostfwd=tcp:127.0.0.2:80-:80");
		expect(lan).toBe("socket,id=lan,mcast=230.0.0.1:23400,localaddr=127.0.0.1");
	});

	test("its second network card has an address made from the private one, so that no two machines share it", () => {
		expect(all("-device").find((device) => device.includes("netdev=lan"))).toBe("virtio-net-pci,netdev=lan,mac=52:54:c0:a8:01:14");
	});

	test("root disk first, then the seed, then data disks; a data disk keeps what was flushed", () => {
		expect(all("-drive")).toEqual([
			"if=none,id=d0,file=lab/log/root.qcow2,format=qcow2,cache=unsafe",
			"if=none,id=d1,file=lab/log/seed.tar,format=raw,cache=unsafe",
			"if=none,id=d2,file=lab/log-disk.ext4,format=raw,cache=writeback",
		]);
		const disks = all("-device").filter((device) => device.startsWith("virtio-blk-pci"));
		expect(disks.map((device) => /serial=(.*)/.exec(device)?.[1])).toEqual(["root", "seed", "logs"]);
	});

	test("a comma in a path is not an option's end", () => {
		expect(all("-drive", qemuArguments({ ...inputs, directory: "a,b" }, "tcg"))[0]).toContain("file=a,,b/root.qcow2,format");
	});

	test("leaves its pid, console and monitor in its directory, and holds no secret", () => {
		expect([one("-pidfile"), one("-serial")]).toEqual(["lab/log/pid", "file:lab/log/console.log"]);
		expect(one("-monitor")).toContain("unix:lab/log/monitor.sock");
		expect(args.join(" ")).not.toContain(inputs.privateKey);
	});
});

describe("the seed of a machine", () => {
	test("holds what makes it this machine", () => {
		const files = seedFiles(inputs);
		expect(files["etc/hostname"]).toBe("log\n");
		expect(files["etc/hosts"]).toContain("127.0.1.1 log\n");
		expect(files["root/.ssh/authorized_keys"]).toBe("ssh-ed25519 AAAA-operator\n");
		expect(files["etc/systemd/network/10-wan.network"]).toMatch(/^DHCP=ipv4$/m);
		expect(files["etc/systemd/network/20-lan.network"]).toMatch(/^Address=192\.168\.1\.20\/16$/m);
		expect(files["etc/fstab"]?.trim().split("\n")).toEqual([
			"/dev/vda / ext4 defaults,noatime 0 1",
			"/dev/disk/by-id/virtio-logs /mnt/main-was-logs ext4 defaults,noatime,x-systemd.makefs,x-systemd.device-timeout=600 0 2",
		]);
	});

	test("knows each NIC by its hardware address, whichever the kernel finds first", () => {
		const files = seedFiles(inputs);
		const matched = (file: string) => /^MACAddress=(.*)$/m.exec(files[file] ?? "")?.[1];
		const macs = qemuArguments(inputs, "tcg").flatMap(
			(argument) => /^virtio-net-pci,netdev=(\w+),mac=(.*)/.exec(argument)?.slice(1, 3) ?? [],
		);
		expect(macs).toEqual([
			...["wan", matched("etc/systemd/network/10-wan.network")],
			...["lan", matched("etc/systemd/network/20-lan.network")],
		]);
		expect(new Set(macs).size).toBe(4);
	});

	test("can give files and directories to a user", async () => {
		const directory = await fs.mkdtemp(path.join(os.tmpdir(), "scaleout-seed-"));
		try {
			await writeSeed(directory, { "home/ubuntu/": { owner: 1000 }, "home/ubuntu/note": { content: "x", mode: 0o600, owner: 1000 } });
			expect(await entries(path.join(directory, "seed.tar"))).toEqual({
				"home/ubuntu/": { mode: 0o755, uid: 1000, content: "" },
				"home/ubuntu/note": { mode: 0o600, uid: 1000, content: "x" },
			});
		} finally {
			await fs.rm(directory, { recursive: true });
		}
	});

	test("is an archive with a host key that stays the same, and only root may read", async () => {
		const directory = await fs.mkdtemp(path.join(os.tmpdir(), "scaleout-seed-"));
		try {
			const write = async () => writeSeed(directory, { ...seedFiles(inputs), ...hostKeyFiles(await ensureHostKey(directory)) });
			await write();
			const first = await entries(path.join(directory, "seed.tar"));
			await write();
			expect(await entries(path.join(directory, "seed.tar"))).toEqual(first);
			const key = first["etc/ssh/ssh_host_ed25519_key"];
			expect(key).toMatchObject({ mode: 0o600, uid: 0, content: expect.stringContaining("PRIVATE KEY") });
			expect(first["etc/ssh/ssh_host_ed25519_key.pub"]?.content.trim()).toBe(await hostKeyOf(directory));
			expect(await hostKeyOf(directory)).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]+=*$/);
			for (const file of ["seed.tar", "host-key.json"]) {
				expect((await fs.stat(path.join(directory, file))).mode & 0o777, file).toBe(0o600);
			}
			expect(JSON.stringify(first)).not.toContain(inputs.privateKey);
		} finally {
			await fs.rm(directory, { recursive: true });
		}
	});
});

interface Entry {
	mode: number | undefined;
	uid: number | undefined;
	content: string;
}

async function entries(file: string): Promise<Record<string, Entry>> {
	const found: Record<string, Entry> = {};
	const archive = extract();
	Readable.from([await fs.readFile(file)]).pipe(archive);
	for await (const entry of archive) {
		let content = "";
		for await (const chunk of entry) content += chunk;
		found[entry.header.name] = { mode: entry.header.mode, uid: entry.header.uid, content };
	}
	return found;
}
