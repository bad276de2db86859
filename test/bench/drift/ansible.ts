import { execFileSync, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Connection } from "../../../lib/connection.ts";

/** Lines of an SSH known_hosts file that pin the hosts' keys. Pure. */
export function knownHosts(connections: Connection[]): string {
	const name = ({ host, port }: Connection) => (port === 22 ? host : `[${host}]:${port}`);
	return connections.map((connection) => `${name(connection)} ${connection.hostKey}\n`).join("");
}

/** A host of the inventory. Its variables come from the stack's records and state. */
export interface InventoryHost {
	connection: Connection;
	variables: object;
}

/** The inventory, as YAML that is JSON. Keys, pins and the copies of files lie in `directory`. Pure. */
export function inventoryOf(hosts: Record<string, InventoryHost>, directory: string): string {
	const entry = ([name, { connection, variables }]: [string, InventoryHost]) => {
		const { host, port, user } = connection;
		const login = { ansible_host: host, ansible_port: port, ansible_user: user, ansible_become: user !== "root" };
		return [name, { ...login, ansible_ssh_private_key_file: path.join(directory, "keys", name), ...variables }];
	};
	const pins = `-o UserKnownHostsFile=${path.join(directory, "known_hosts")} -o GlobalKnownHostsFile=/dev/null`;
	const vars = { ansible_ssh_common_args: pins, contents: path.join(directory, "files") };
	return JSON.stringify({ all: { vars, hosts: Object.fromEntries(Object.entries(hosts).map(entry)) } }, null, "\t");
}

/** Ansible's count of a host's tasks by their end: `ok`, `changed`, `unreachable`, `failed` and so on. */
export type Recap = Record<string, number>;

/** The recap that ends a run of ansible-playbook, by host; empty when there is none. Pure. */
export function parseRecap(output: string): Record<string, Recap> {
	const [, recap = ""] = output.split(/^PLAY RECAP \**$/m);
	const lines = recap.matchAll(/^(\S+)\s+:((?:\s+\w+=\d+)+)\s*$/gm);
	const countsOf = (text: string) =>
		Object.fromEntries([...text.matchAll(/(\w+)=(\d+)/g)].map(([, end = "", count]) => [end, Number(count)]));
	return Object.fromEntries([...lines].map(([, host = "", counts = ""]) => [host, countsOf(counts)]));
}

/** Why a run was not an idempotent one on all hosts; empty when it was. Pure. */
export function unwanted(recap: Record<string, Recap>, hosts: string[]): string[] {
	return hosts.flatMap((host) => {
		const { ok = 0, changed = 0, failed = 0, unreachable = 0 } = recap[host] ?? {};
		return ok > 0 && changed + failed + unreachable === 0 ? [] : `${host}: ${JSON.stringify(recap[host] ?? "not in the recap")}`;
	});
}

export interface PlaybookRun {
	code: number;
	output: string;
	recap: Record<string, Recap>;
	/** Wall time in seconds. */
	seconds: number;
}

/** A private directory with what a run of the playbook needs: keys, pins, inventory, files. */
export class AnsibleWorkspace {
	readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-drift-"));

	/** Puts a file there that only this user can read, and returns its path. */
	write(name: string, content: string | Buffer): string {
		const file = path.join(this.directory, name);
		fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
		fs.writeFileSync(file, content, { mode: 0o600 });
		return file;
	}

	writeInventory(hosts: Record<string, InventoryHost>): void {
		for (const [name, { connection }] of Object.entries(hosts)) this.write(`keys/${name}`, `${connection.privateKey.trimEnd()}\n`);
		this.write("known_hosts", knownHosts(Object.values(hosts).map(({ connection }) => connection)));
		this.write("inventory.json", inventoryOf(hosts, this.directory));
	}

	/** Runs playbook.yml on all hosts of the inventory at the same time. */
	run(): Promise<PlaybookRun> {
		const started = Date.now();
		const env = {
			...process.env,
			ANSIBLE_CONFIG: path.join(import.meta.dirname, "ansible.cfg"),
			ANSIBLE_HOME: path.join(this.directory, "ansible"),
			ANSIBLE_SSH_CONTROL_PATH_DIR: this.#sockets,
			ANSIBLE_NOCOLOR: "1",
			// Ansible refuses to start in any other.
			LC_ALL: "C.UTF-8",
		};
		const args = ["--inventory", path.join(this.directory, "inventory.json"), path.join(import.meta.dirname, "playbook.yml")];
		const child = spawn("ansible-playbook", args, { env, stdio: ["ignore", "pipe", "pipe"] });
		return new Promise((resolve, reject) => {
			let output = "";
			for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (data: string) => (output += data));
			child.once("error", reject);
			child.once("close", (code) =>
				resolve({ code: code ?? 255, output, recap: parseRecap(output), seconds: (Date.now() - started) / 1000 }),
			);
		});
	}

	/** Sockets of the SSH connections that Ansible keeps. */
	get #sockets(): string {
		return path.join(this.directory, "cp");
	}

	/** Ends the SSH connections, and removes the directory. */
	remove(): void {
		const sockets = fs.existsSync(this.#sockets) ? fs.readdirSync(this.#sockets) : [];
		for (const socket of sockets) {
			const controlPath = `ControlPath=${path.join(this.#sockets, socket)}`;
			spawnSync("ssh", ["-o", controlPath, "-O", "exit", "any-host"], { stdio: "ignore" });
		}
		fs.rmSync(this.directory, { recursive: true, force: true });
	}
}

/** Why `ansible-playbook` cannot be run; undefined when it can. As root it is installed. */
export function missingAnsible(): string | undefined {
	if (spawnSync("ansible-playbook", ["--version"], { stdio: "ignore" }).status === 0) return undefined;
	if (process.getuid?.() !== 0) return "ansible-playbook is missing: install ansible-core, or run this as root";
	process.stderr.write("installing ansible-core…\n");
	const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
	for (const args of [["update"], ["install", "-y", "--no-install-recommends", "ansible-core"]])
		execFileSync("apt-get", ["-qq", ...args], { stdio: ["ignore", "ignore", "inherit"], env });
	return undefined;
}
