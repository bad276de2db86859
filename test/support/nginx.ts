import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { scriptText } from "../../host/kit.ts";

/* The `nginx` program of this machine, where there is one: run by tests as a process of their own, on the loopback interface. */

/** Undefined where there is none. */
export const nginxVersion = /nginx\/([\d.]+)/.exec(spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr ?? "")?.[1];

export const isAtLeast = (since: string) =>
	nginxVersion !== undefined && nginxVersion.localeCompare(since, undefined, { numeric: true }) >= 0;

/** A configuration as the script on the host puts it there, for a version of NGINX. */
export function forVersion(text: string, version: string): string {
	const script = `${scriptText("nginx/versions", { version })}\nfor_this_version`;
	const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", script], { input: text, encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	return stdout;
}

/** Files of an nginx in a directory of its own; `http` is what stands in the http block. Returns the main file. */
export function writeNginx(directory: string, http: string): string {
	const main = path.join(directory, "nginx.conf");
	const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
		.map((kind) => `${kind}_temp_path ${directory}/${kind};`)
		.join("\n");
	const events = "events { worker_connections 256; }";
	fs.writeFileSync(main, `pid ${directory}/pid;\nerror_log stderr;\n${events}\nhttp {\naccess_log off;\n${temporary}\n${http}}\n`);
	return main;
}

/** What `nginx -t` says of a configuration. */
export function testNginx(http: string): { status: number | null; stderr: string } {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-nginx-"));
	try {
		const file = writeNginx(directory, http);
		return spawnSync("nginx", ["-t", "-q", "-p", directory, "-c", file, "-e", "stderr"], { encoding: "utf8" });
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
}

/** A running nginx. */
export class LocalNginx {
	readonly directory: string;
	readonly #prefix: string[];
	readonly #address: string;
	#process: ChildProcess | undefined;
	#said = "";

	/** In a namespace of that address, or here. */
	constructor({ prefix, address }: { prefix: string[]; address: string } = { prefix: [], address: "127.0.0.1" }) {
		this.#prefix = prefix;
		this.#address = address;
		this.directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-nginx-"));
		// The workers are another user, and look for flags in here.
		fs.chmodSync(this.directory, 0o755);
	}

	/** @throws Error with what nginx said when it does not answer on the port. */
	async start(http: string, port: number): Promise<void> {
		const file = writeNginx(this.directory, http);
		const [program = "nginx", ...args] = [...this.#prefix, "nginx", "-p", this.directory, "-c", file, "-e", "stderr", "-g", "daemon off;"];
		const running = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
		this.#process = running;
		running.stderr.on("data", (data) => {
			this.#said += data;
		});
		for (let attempt = 0; attempt < 100; attempt++) {
			if (running.exitCode !== null) break;
			if (await answers(this.#address, port)) return;
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		throw new Error(`nginx does not answer: ${this.#said}`);
	}

	/** What it has written to its error log. */
	get said(): string {
		return this.#said;
	}

	async stop(): Promise<void> {
		const running = this.#process;
		if (running && running.exitCode === null) {
			const ended = new Promise((resolve) => running.once("exit", resolve));
			running.kill("SIGTERM");
			await ended;
		}
		fs.rmSync(this.directory, { recursive: true });
	}
}

function answers(address: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = net.connect(port, address, () => resolve(true));
		socket.once("error", () => resolve(false)).once("connect", () => socket.end());
	});
}

/** Ports of the loopback interface that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
	const servers = await Promise.all(
		Array.from(
			{ length: count },
			() =>
				new Promise<net.Server>((resolve) => {
					const server = net.createServer().listen(0, "127.0.0.1", () => resolve(server));
				}),
		),
	);
	const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
	await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
	return ports;
}
