import * as fs from "node:fs/promises";
import * as path from "node:path";
import { pack } from "tar-stream";
import { type KeyPair, newKeyPair } from "../../lib/sshKeys.ts";
import { lanMac, wanMac } from "./nics.ts";
import type { MachineInputs } from "./resource.ts";

/** A file of the seed: its content, or its content with mode and owner. A path that ends in "/" is a directory. */
export type SeedFile = string | { content?: string; mode?: number; owner?: number };
/** By path from the root. */
export type SeedFiles = Record<string, SeedFile>;

/**
 * Writes a machine's seed: a tar archive with the files that differ from machine to machine. It is attached as a disk, and the root image unpacks it
 * over its root file system at every boot.
 */
export async function writeSeed(directory: string, files: SeedFiles): Promise<void> {
	const archive = pack();
	for (const [name, file] of Object.entries(files)) {
		const type = name.endsWith("/") ? "directory" : "file";
		const { content = "", mode = type === "directory" ? 0o755 : 0o644, owner = 0 } = typeof file === "string" ? { content: file } : file;
		archive.entry({ name, type, mode, uid: owner, gid: owner }, content);
	}
	archive.finalize();
	const chunks: Buffer[] = [];
	for await (const chunk of archive) chunks.push(chunk as Buffer);
	await fs.writeFile(path.join(directory, "seed.tar"), Buffer.concat(chunks), { mode: 0o600 });
}

/** The files of this one machine, by path. */
export function seedFiles(inputs: Pick<MachineInputs, "hostname" | "address" | "authorizedKey" | "disks">): Record<string, string> {
	// On a busy host an emulated machine may see its disk only after systemd's default limit of 90 s, and would end in emergency mode.
	const mounts = inputs.disks.map(
		({ serial, mountPoint }) =>
			`/dev/disk/by-id/virtio-${serial} ${mountPoint} ext4 defaults,noatime,x-systemd.makefs,x-systemd.device-timeout=600 0 2\n`,
	);
	return {
		"etc/hostname": `${inputs.hostname}\n`,
		"etc/hosts": `127.0.0.1 localhost\n127.0.1.1 ${inputs.hostname}\n`,
		"etc/fstab": `/dev/vda / ext4 defaults,noatime 0 1\n${mounts.join("")}`,
		"etc/systemd/network/10-wan.network": network(wanMac, "DHCP=ipv4"),
		"etc/systemd/network/20-lan.network": network(lanMac(inputs.address), `Address=${inputs.address}`),
		"root/.ssh/authorized_keys": `${inputs.authorizedKey.trim()}\n`,
	};
}

function network(mac: string, addressing: string): string {
	return `[Match]\nMACAddress=${mac}\n\n[Network]\n${addressing}\nLinkLocalAddressing=no\n`;
}

/** The SSH host key as files of the seed. */
export function hostKeyFiles(key: KeyPair): SeedFiles {
	return {
		"etc/ssh/ssh_host_ed25519_key": { content: key.private, mode: 0o600 },
		"etc/ssh/ssh_host_ed25519_key.pub": key.public,
	};
}

/** The public host key of an existing machine. */
export async function hostKeyOf(directory: string): Promise<string> {
	return (await ensureHostKey(directory)).public.trim();
}

/** Generated once and kept beside the machine's disk. */
export async function ensureHostKey(directory: string): Promise<KeyPair> {
	const file = path.join(directory, "host-key.json");
	const kept = await fs.readFile(file, "utf8").catch(() => undefined);
	if (kept) return JSON.parse(kept);
	const made = newKeyPair();
	await fs.writeFile(file, JSON.stringify(made), { mode: 0o600 });
	return made;
}
