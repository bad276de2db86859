import * as fs from "node:fs/promises";
import * as path from "node:path";
import { connect, exec, isUnreachable } from "../../lib/ssh.ts";
import { DeadlineError, until } from "../../lib/wait.ts";
import { type Context, defineProvider } from "../define.ts";
import { launch, overlayOf } from "./launch.ts";
import { isRunning, stop } from "./qemu.ts";
import type { MachineInputs, MachineOutputs } from "./resource.ts";
import { ensureHostKey, hostKeyFiles, hostKeyOf, seedFiles } from "./seed.ts";

/** With software emulation on a busy machine a boot takes a minute or two; beyond this limit something is wrong. */
const bootDeadlineSeconds = 600;

export const provider = defineProvider<MachineInputs, MachineOutputs>({
	inputs: {
		hostname: "replace",
		directory: "replace",
		imageDirectory: "replace",
		memoryMiB: "update",
		cpus: "update",
		address: "update",
		lanPort: "update",
		sshPort: "update",
		forwards: "update",
		authorizedKey: "update",
		privateKey: "ignore",
		disks: "update",
	},
	deleteBeforeReplace: true,
	drift: (outputs) => (outputs.state === "running" ? [] : ["state"]),

	async create(inputs, context) {
		await fs.mkdir(inputs.directory, { recursive: true, mode: 0o700 });
		// An interrupted create may have left a half-made machine: start over. It holds no data yet.
		await stop(inputs.directory, context.progress);
		await fs.rm(overlayOf(inputs), { force: true });
		const outputs = await boot(inputs, context);
		return { id: path.basename(inputs.directory), outputs };
	},

	async read(_id, state) {
		const made = await fs.stat(overlayOf(state)).catch(() => undefined);
		if (!made) return undefined;
		const running = await isRunning(state.directory);
		return { hostKey: state.hostKey, accelerator: state.accelerator, state: running ? "running" : "stopped" };
	},

	async update(_id, olds, news, context) {
		await stop(olds.directory, context.progress);
		return boot(news, context);
	},

	async delete(_id, state, context) {
		await stop(state.directory, context.progress);
		await fs.rm(state.directory, { recursive: true, force: true });
	},
});

async function boot(inputs: MachineInputs, context: Context): Promise<MachineOutputs> {
	const forwards = [{ hostPort: inputs.sshPort, guestPort: 22 }, ...inputs.forwards];
	const seed = { ...seedFiles(inputs), ...hostKeyFiles(await ensureHostKey(inputs.directory)) };
	const accel = await launch({ ...inputs, forwards }, seed);
	const hostKey = await hostKeyOf(inputs.directory);
	await waitForLogin(inputs, hostKey, context);
	return { hostKey, state: "running", accelerator: accel };
}

async function waitForLogin(inputs: MachineInputs, hostKey: string, { progress }: Context): Promise<void> {
	const connection = { host: "127.0.0.1", port: inputs.sshPort, user: "root", privateKey: inputs.privateKey, hostKey };
	const what = `machine ${inputs.hostname} booting`;
	try {
		await until({ what, deadlineSeconds: bootDeadlineSeconds, progress }, async () => {
			if (!(await isRunning(inputs.directory))) throw new Error(`${what}: the machine stopped`);
			try {
				await connect(connection, 0);
				// sshd answers before the boot is finished, and the next steps need a finished one. "degraded" is finished, too.
				const { stdout } = await exec(connection, "systemctl is-system-running", { deadlineSeconds: 60 });
				const state = stdout.trim();
				return ["running", "degraded"].includes(state) ? { done: undefined } : { waiting: `services are starting (${state})` };
			} catch (error) {
				if (!(isUnreachable(error) || error instanceof DeadlineError)) throw error;
				return { waiting: "no SSH yet" };
			}
		});
	} catch (error) {
		const console = await fs.readFile(path.join(inputs.directory, "console.log"), "utf8").catch(() => "");
		const tail = console.split("\n").slice(-15).join("\n");
		throw new Error(`${(error as Error).message}\nlast lines of its console:\n${tail}`);
	}
}
