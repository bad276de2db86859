import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { inCache } from "../../lib/cache.ts";

/* An emulator of the AWS API (moto) on a port of the loopback interface, for as long as the tests run. */

const motoVersion = "5.2.5";
const environment = () => inCache(`moto-${motoVersion}`);

/** Installs the emulator where it is missing. Undefined when it can be used, else why not, in one line. */
export function missingEmulator(): string | undefined {
	const directory = environment();
	if (fs.existsSync(directory)) return undefined;
	// Under another name until it is whole. Python finds its environment wherever it lies; only the scripts in it do not.
	const part = `${directory}.part`;
	fs.rmSync(part, { recursive: true, force: true });
	fs.mkdirSync(path.dirname(part), { recursive: true });
	const problem =
		failure("python3", ["-m", "venv", part]) ??
		failure(path.join(part, "bin", "python"), [
			"-m",
			"pip",
			"install",
			"-q",
			"--disable-pip-version-check",
			`moto[server]==${motoVersion}`,
		]);
	if (problem) return `the AWS emulator moto ${motoVersion} cannot be installed (${problem})`;
	fs.renameSync(part, directory);
	return undefined;
}

function failure(program: string, args: string[]): string | undefined {
	const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 300_000 });
	if (status === 0) return undefined;
	return (error?.message ?? `${stdout}${stderr}`.trim().split("\n").at(-1) ?? "no reason given").slice(0, 200);
}

export interface Emulator {
	endpoint: string;
	/** What leads AWS clients to it. */
	env: Record<string, string>;
	/** The requests it has answered so far: method, operation and status, as in its log. */
	log(): string;
	stop(): Promise<void>;
}

export async function startEmulator(): Promise<Emulator> {
	const port = await freePort();
	const program = path.join(import.meta.dirname, "emulator.py");
	const child = spawn(path.join(environment(), "bin", "python"), [program, `${port}`], { stdio: ["pipe", "pipe", "pipe"] });
	let log = "";
	const collect = (data: Buffer) => {
		log += data;
	};
	child.stdout.on("data", collect);
	child.stderr.on("data", collect);
	const endpoint = `http://127.0.0.1:${port}`;
	for (let attempt = 0; !(await answers(endpoint)); attempt++) {
		if (child.exitCode !== null || attempt === 300) throw new Error(`the AWS emulator does not start:\n${log}`);
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
	const env = {
		AWS_ENDPOINT_URL: endpoint,
		AWS_ACCESS_KEY_ID: "emulator",
		AWS_SECRET_ACCESS_KEY: "emulator",
		AWS_EC2_METADATA_DISABLED: "true",
	};
	return { endpoint, env, log: () => log, stop: () => end(child) };
}

const answers = (endpoint: string) =>
	fetch(`${endpoint}/moto-api/data.json`).then(
		({ ok }) => ok,
		() => false,
	);

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null) return;
	const ended = new Promise((resolve) => child.once("exit", resolve));
	child.kill("SIGTERM");
	await ended;
}

async function freePort(): Promise<number> {
	const server = net.createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	const { port } = server.address() as net.AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}
