import * as fs from "node:fs/promises";
import * as path from "node:path";
import { rootImageDirectory } from "../../lib/cache.ts";
import { launch } from "../../providers/machine/launch.ts";
import { type Forward, forwardRule, isRunning, monitor, type QemuMachine, run, stop } from "../../providers/machine/qemu.ts";
import type { SeedFiles } from "../../providers/machine/seed.ts";

/*
 * The local machines behind instances. Each lies in a directory named after its instance, with what it is made of beside its disk, so that
 * a later run of the plugin finds it: addresses and volumes come and go while it runs.
 */

/** UDP port that stands for the VPC. */
const lanPort = 23650;
/** A machine gets the memory of its instance type, but no more than the test machine can give. */
const mostMemoryMiB = 1280;

/** The ports that an Elastic IP leads to. */
const publicPorts = [22, 80, 443];

export interface NewMachine {
	hostname: string;
	/** Private address with prefix length. */
	address: string;
	memoryMiB: number;
	seed: SeedFiles;
}

/** Makes a machine and starts it; like an instance, it boots while others go on. */
export async function createMachine(machines: string, id: string, { hostname, address, memoryMiB, seed }: NewMachine): Promise<void> {
	const directory = path.join(machines, id);
	await fs.mkdir(directory, { recursive: true, mode: 0o700 });
	const machine: QemuMachine = {
		hostname,
		directory,
		imageDirectory: rootImageDirectory(),
		memoryMiB: Math.min(memoryMiB, mostMemoryMiB),
		cpus: 1,
		address,
		lanPort,
		forwards: [],
		disks: [],
	};
	await save(machines, id, machine);
	await launch(machine, seed);
}

/** Starts a machine again as it was left: what made it this machine was done at its first boot. */
export async function startMachine(machines: string, id: string, memoryMiB: number): Promise<void> {
	const machine = { ...(await load(machines, id)), memoryMiB: Math.min(memoryMiB, mostMemoryMiB) };
	await save(machines, id, machine);
	await launch(machine, {});
}

export async function stopMachine(machines: string, id: string): Promise<void> {
	await stop(path.join(machines, id), () => {});
}

export async function deleteMachine(machines: string, id: string): Promise<void> {
	await stopMachine(machines, id);
	await fs.rm(path.join(machines, id), { recursive: true, force: true });
}

export async function machineRuns(machines: string, id: string): Promise<boolean> {
	return isRunning(path.join(machines, id));
}

/** Makes a loopback address lead to the machine. */
export async function openAddress(machines: string, id: string, hostAddress: string): Promise<void> {
	const forwards: Forward[] = publicPorts.map((port) => ({ hostAddress, hostPort: port, guestPort: port }));
	const machine = await load(machines, id);
	machine.forwards = forwards;
	await save(machines, id, machine);
	for (const forward of forwards) await command(machines, id, `hostfwd_add wan ${forwardRule(forward)}`);
}

/** A machine that is gone took its forwards along. */
export async function closeAddress(machines: string, id: string): Promise<void> {
	const machine = await load(machines, id).catch(() => undefined);
	if (!machine) return;
	for (const forward of machine.forwards) {
		const { hostAddress, hostPort } = forward;
		await command(machines, id, `hostfwd_remove wan tcp:${hostAddress}:${hostPort}`);
	}
	machine.forwards = [];
	await save(machines, id, machine);
}

const diskOf = (machines: string, volume: string) => path.join(machines, `${volume}.img`);

export async function createDisk(machines: string, volume: string, sizeGiB: number): Promise<void> {
	await fs.mkdir(machines, { recursive: true, mode: 0o700 });
	await run("qemu-img", ["create", "-q", "-f", "raw", diskOf(machines, volume), `${sizeGiB}G`]);
}

export async function deleteDisk(machines: string, volume: string): Promise<void> {
	await fs.rm(diskOf(machines, volume), { force: true });
}

/** The name that a guest sees a volume by, as NVMe disks of EC2 do: its id without the hyphen. */
const serialOf = (volume: string) => volume.replace("-", "");

export async function plugDisk(machines: string, id: string, volume: string): Promise<void> {
	const machine = await load(machines, id);
	const [file, serial] = [diskOf(machines, volume), serialOf(volume)];
	machine.disks.push({ file, serial });
	await save(machines, id, machine);
	await command(machines, id, `drive_add 0 if=none,id=${serial},file=${file.replaceAll(",", ",,")},format=raw,cache=writeback`);
	await command(machines, id, `device_add virtio-blk-pci,drive=${serial},id=${serial},serial=${serial}`);
}

/** The guest lets go of a disk in its own time, and only one that runs does. A disk that was there at the start leaves with the machine. */
export async function unplugDisk(machines: string, id: string, volume: string): Promise<void> {
	const machine = await load(machines, id).catch(() => undefined);
	if (!machine) return;
	machine.disks = machine.disks.filter(({ serial }) => serial !== serialOf(volume));
	await save(machines, id, machine);
	await command(machines, id, `device_del ${serialOf(volume)}`);
}

/** Sends a command to the monitor of a machine that runs. @throws Error with the monitor's answer: it is silent when a command worked. */
async function command(machines: string, id: string, line: string): Promise<void> {
	if (!(await machineRuns(machines, id))) return;
	const answer = await monitor(path.join(machines, id), line);
	if (answer && !/^(OK|host forwarding rule for .* removed)$/.test(answer)) throw new Error(`machine ${id}: ${line}: ${answer}`);
}

const recordOf = (machines: string, id: string) => path.join(machines, id, "machine.json");
const load = async (machines: string, id: string): Promise<QemuMachine> => JSON.parse(await fs.readFile(recordOf(machines, id), "utf8"));
const save = (machines: string, id: string, machine: QemuMachine) =>
	fs.writeFile(recordOf(machines, id), JSON.stringify(machine), { mode: 0o600 });

/** Stops and removes all machines and disks, whatever the API knows of them. */
export async function clearMachines(machines: string): Promise<void> {
	const instances = (await fs.readdir(machines).catch(() => [])).filter((name) => name.startsWith("i-"));
	await Promise.all(instances.map((id) => deleteMachine(machines, id)));
	await fs.rm(machines, { recursive: true, force: true });
}
