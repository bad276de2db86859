import * as fs from "node:fs/promises";
import * as path from "node:path";
import { type Accelerator, accelerator, type QemuMachine, qemuArguments, run, start } from "./qemu.ts";
import { type SeedFiles, writeSeed } from "./seed.ts";

/** A machine's root disk, an overlay: the differences from the root image. */
export const overlayOf = ({ directory }: Pick<QemuMachine, "directory">) => path.join(directory, "root.qcow2");

/** Starts a machine with its existing root disk or a new one; the seed's files are unpacked over it. Does not wait for the boot to finish. */
export async function launch(machine: QemuMachine, seed: SeedFiles): Promise<Accelerator> {
	const base = path.resolve(machine.imageDirectory, "root.ext4");
	await fs.access(base).catch(() => {
		throw new Error(`local.imageDirectory: no root image at ${machine.imageDirectory}: build it with "npm run lab:prepare"`);
	});
	const overlay = overlayOf(machine);
	const made = await fs.stat(overlay).catch(() => undefined);
	if (!made) await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay]);
	await writeSeed(machine.directory, seed);
	const accel = await accelerator(machine.imageDirectory);
	await start(machine.directory, qemuArguments(machine, accel));
	return accel;
}
