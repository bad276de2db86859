import { execFile, spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as path from "node:path";
import { promisify } from "node:util";
import type { Progress } from "../../lib/progress.ts";
import { DeadlineError, until, within } from "../../lib/wait.ts";
import { lanMac, wanMac } from "./nics.ts";
import type { MachineInputs } from "./resource.ts";

export type Accelerator = "kvm" | "tcg";

/** Forwards a TCP port of the machine that runs QEMU to a port of the guest. */
export interface Forward {
	/** Default: 127.0.0.1. */
	hostAddress?: string;
	hostPort: number;
	guestPort: number;
}

/** The settings of a machine for QEMU. */
export interface QemuMachine
	extends Pick<MachineInputs, "hostname" | "directory" | "imageDirectory" | "memoryMiB" | "cpus" | "address" | "lanPort"> {
	forwards: Forward[];
	disks: { file: string; serial: string }[];
}

/** Runs a program to its end. @throws Error with what it printed; if it is not installed, with the command that installs it. */
export async function run(program: string, args: string[]): Promise<void> {
	try {
		await promisify(execFile)(program, args);
	} catch (error) {
		const { code, stderr } = error as { code?: string; stderr?: string };
		if (code === "ENOENT") throw new Error(`${program} is not installed: "npm run lab:prepare" installs what local machines need`);
		throw new Error(`${program} failed: ${stderr?.trim() || (error as Error).message}`);
	}
}

/** The command line of a machine. Pure: two NICs (user network for SSH and apt, a multicast LAN for the topology), root disk, seed, data disks. */
export function qemuArguments(machine: QemuMachine, accel: Accelerator): string[] {
	const inDirectory = (file: string) => path.join(machine.directory, file);
	const hostfwd = machine.forwards.map((forward) => `,hostfwd=${forwardRule(forward)}`).join("");
	const drives = [
		{ file: inDirectory("root.qcow2"), format: "qcow2", serial: "root", cache: "unsafe" },
		{ file: inDirectory("seed.tar"), format: "raw", serial: "seed", cache: "unsafe" },
		// Data disks keep what the guest flushed even when the emulator is killed.
		...machine.disks.map(({ file, serial }) => ({ file, format: "raw", serial, cache: "writeback" })),
	];
	return [
		...[
			"-name",
			machine.hostname,
			"-accel",
			// When the buffer for translated code is full, all of it is thrown away: with 256 MiB five times in a manager's first 24 minutes.
			accel === "tcg" ? "tcg,thread=multi,tb-size=512" : accel,
			"-cpu",
			// Programs use wide vector instructions where they find them. Emulated, these are slower than the code without them.
			accel === "kvm" ? "host" : "max,-avx,-avx2",
		],
		...["-smp", `${machine.cpus}`, "-m", `${machine.memoryMiB}`, "-nodefaults", "-display", "none", "-no-user-config"],
		...["-kernel", path.resolve(machine.imageDirectory, "vmlinuz"), "-initrd", path.resolve(machine.imageDirectory, "initrd.img")],
		...["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet panic=10 mitigations=off apparmor=0"],
		...drives.flatMap(({ file, format, serial, cache }, i) => [
			...["-drive", `if=none,id=d${i},file=${file.replaceAll(",", ",,")},format=${format},cache=${cache}`],
			...["-device", `virtio-blk-pci,drive=d${i},id=${serial},serial=${serial}`],
		]),
		...["-netdev", `user,id=wan${hostfwd}`, "-device", `virtio-net-pci,netdev=wan,mac=${wanMac}`],
		...[
			"-netdev",
			`socket,id=lan,mcast=230.0.0.1:${machine.lanPort},localaddr=127.0.0.1`,
			"-device",
			`virtio-net-pci,netdev=lan,mac=${lanMac(machine.address)}`,
		],
		...["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"],
		...["-serial", `file:${inDirectory("console.log")}`, "-monitor", `unix:${inDirectory("monitor.sock")},server=on,wait=off`],
		...["-pidfile", inDirectory("pid"), "-daemonize"],
	];
}

/** In the syntax of `hostfwd`. */
export function forwardRule({ hostAddress = "127.0.0.1", hostPort, guestPort }: Forward): string {
	return `tcp:${hostAddress}:${hostPort}-:${guestPort}`;
}

export async function start(directory: string, args: string[]): Promise<void> {
	try {
		await run("qemu-system-x86_64", args);
	} catch (error) {
		const busy = /Could not set up host forwarding rule '([^']*)'/.exec((error as Error).message);
		if (busy)
			throw new Error(
				`local.sshPortBase, local.endpointPort or local.httpsPort: port ${busy[1]?.split(":")[2]?.replace("-", "")} of 127.0.0.1 is taken: choose another`,
			);
		throw new Error(`machine ${path.basename(directory)}: ${(error as Error).message}`);
	}
}

export async function isRunning(directory: string): Promise<boolean> {
	return (await pidOf(directory)) !== undefined;
}

/** Presses the power button and waits for the guest to shut down. After the deadline, or without a monitor, ends the process. */
export async function stop(directory: string, progress: Progress): Promise<void> {
	const pid = await pidOf(directory);
	if (pid === undefined) return;
	await monitor(directory, "system_powerdown").catch(() => process.kill(pid, "SIGTERM"));
	const gone = async () => ((await isRunning(directory)) ? { waiting: "shutting down" } : { done: undefined });
	const what = `machine ${path.basename(directory)} stopping`;
	try {
		await until({ what, deadlineSeconds: 60, progress, maxPauseMs: 1000 }, gone);
	} catch (error) {
		if (!(error instanceof DeadlineError)) throw error;
		process.kill(pid, "SIGKILL");
		await until({ what, deadlineSeconds: 10, progress }, gone);
	}
}

/** The process ID, if the process is alive and really this machine's: the ID may have been given to another process since. */
async function pidOf(directory: string): Promise<number | undefined> {
	const pid = Number(await fs.readFile(path.join(directory, "pid"), "utf8").catch(() => ""));
	if (!pid) return undefined;
	const commandLine = await fs.readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
	return commandLine.split("\0").includes(path.join(directory, "pid")) ? pid : undefined;
}

/** Sends one command to QEMU's monitor and returns its answer, which is empty for most successful commands. */
export async function monitor(directory: string, command: string): Promise<string> {
	const socket = net.connect(path.join(directory, "monitor.sock"));
	const prompt = "(qemu) ";
	const answer = new Promise<string>((resolve, reject) => {
		let sent = false;
		let seen = "";
		socket.once("error", reject);
		socket.once("close", () => reject(new Error("QEMU's monitor hung up")));
		socket.on("data", (data) => {
			seen += data;
			if (!seen.endsWith(prompt)) return;
			// The monitor greets first; a command sent just before the connection closes could be dropped.
			if (!sent) socket.write(`${command}\n`);
			// The first line is the command's echo.
			else resolve(seen.slice(0, -prompt.length).split("\r\n").slice(1).join("\n").trim());
			sent = true;
			seen = "";
		});
	});
	return within("QEMU's monitor", 10, answer).finally(() => socket.destroy());
}

const answers = new Map<string, Promise<Accelerator>>();

/** KVM if it really runs the image's kernel (a /dev/kvm inside a virtual machine may not), else software emulation. Tested once per process and image. */
export function accelerator(imageDirectory: string): Promise<Accelerator> {
	const known = answers.get(imageDirectory) ?? tryKvm(imageDirectory);
	answers.set(imageDirectory, known);
	return known;
}

async function tryKvm(imageDirectory: string): Promise<Accelerator> {
	const usable = await fs.access("/dev/kvm", fs.constants.R_OK | fs.constants.W_OK).then(
		() => true,
		() => false,
	);
	if (!usable) return "tcg";
	const args = [
		// No timer of this process: where KVM does not work, QEMU never ends, and this process may be killed before the timer fires.
		...["--kill-after=2", "10", "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256"],
		...["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"],
		...["-kernel", path.resolve(imageDirectory, "vmlinuz"), "-append", "console=ttyS0 panic=-1"],
	];
	return new Promise((resolve) => {
		const trial = spawn("timeout", args, { stdio: ["ignore", "pipe", "ignore"] });
		trial.stdout.on("data", (data) => {
			if (!String(data).includes("Linux version")) return;
			// `timeout` passes the signal on to QEMU.
			trial.kill("SIGTERM");
			resolve("kvm");
		});
		trial.once("error", () => resolve("tcg"));
		trial.once("exit", () => resolve("tcg"));
	});
}
