import { spawnSync } from "node:child_process";

/*
 * A network namespace beside this process, joined to it by a pair of interfaces: programs run in it as on another host, with its own firewall,
 * and reach servers of this process at addresses that are made for it.
 */

function run(...command: string[]): string {
	const { status, stdout, stderr, error } = spawnSync(command[0] as string, command.slice(1), { encoding: "utf8" });
	if (status !== 0) throw new Error(`${command.join(" ")}: ${error?.message ?? stderr}`);
	return stdout;
}

/** Why there can be none on this machine; undefined when there can. */
export function namespaceLacks(): string | undefined {
	const probe = `scaleout-probe-${process.pid}`;
	try {
		run("ip", "netns", "add", probe);
		run("ip", "netns", "exec", probe, "iptables", "-A", "OUTPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT");
		return undefined;
	} catch (error) {
		return `network namespaces with iptables are not to be had here: ${(error as Error).message}`;
	} finally {
		spawnSync("ip", ["netns", "delete", probe]);
	}
}

let made = 0;

export class Namespace {
	readonly name: string;
	/** What a command must begin with to run in it. */
	readonly prefix: string[];
	/** Its own address. */
	readonly address: string;
	/** Addresses of this process, as seen from it. */
	readonly outside: string[];
	readonly #link: string;

	/** @throws Error with what `ip` said. */
	constructor(outside: number) {
		const id = `${process.pid}-${made++}`;
		this.name = `scaleout-${id}`;
		this.prefix = ["ip", "netns", "exec", this.name];
		this.#link = `so${id}`.slice(0, 15);
		// A network of 16 addresses: test files run side by side, and two may not have the same one.
		const net = ((process.pid % 8192) * 64 + (made % 64)) * 16;
		const inNet = (host: number) => `10.${128 + (net >> 16)}.${(net >> 8) & 255}.${(net & 255) + host}`;
		this.address = inNet(14);
		this.outside = Array.from({ length: outside }, (_, i) => inNet(i + 1));
		try {
			run("ip", "netns", "add", this.name);
			run("ip", "link", "add", this.#link, "type", "veth", "peer", "name", "eth0", "netns", this.name);
			for (const address of this.outside) run("ip", "address", "add", `${address}/28`, "dev", this.#link);
			run("ip", "link", "set", this.#link, "up");
			this.exec("ip", "address", "add", `${this.address}/28`, "dev", "eth0");
			for (const link of ["lo", "eth0"]) this.exec("ip", "link", "set", link, "up");
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Runs a command in it and returns what it prints. @throws Error with its errors */
	exec(...command: string[]): string {
		return run(...this.prefix, ...command);
	}

	/** Its programs must have ended. */
	close(): void {
		spawnSync("ip", ["link", "delete", this.#link]);
		spawnSync("ip", ["netns", "delete", this.name]);
	}
}
