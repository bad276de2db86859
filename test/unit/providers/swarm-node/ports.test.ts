import { spawn } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../../../../lib/connection.ts";
import { closedPorts, closedPortsScript } from "../../../../providers/swarm-node/ports.ts";

const listener = net.createServer((socket) => socket.destroy());
const closed = net.createServer();
let open: number;
let refused: number;

const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port;
beforeAll(async () => {
	for (const server of [listener, closed]) await once(server.listen(0, "127.0.0.1"), "listening");
	open = portOf(listener);
	refused = portOf(closed);
	await once(closed.close(), "close");
});
afterAll(() => listener.close());

async function run(managers: string[]): Promise<string[]> {
	const bash = spawn("sh", ["-c", asRoot("root", closedPortsScript(managers))]);
	const [printed] = await Promise.all([text(bash.stdout), once(bash, "close")]);
	expect(bash.exitCode).toBe(0);
	return printed.trim().split("\n").sort();
}

describe("the ports that a host tries before it joins", () => {
	test("are the managers' own and the gossip's: what answers is not named", async () => {
		expect(await run([`127.0.0.1:${open}`, `127.0.0.1:${refused}`])).toEqual(
			["127.0.0.1 7946", "127.0.0.1 7946", `127.0.0.1 ${refused}`].sort(),
		);
	});

	test("take IPv6 addresses, and nothing of an address reaches the shell", () => {
		expect(closedPortsScript(["[fd00::1]:2377"])).toContain("targets=('fd00::1 2377' 'fd00::1 7946')");
		expect(closedPortsScript(["$(id):2377"])).toContain("targets=('$(id) 2377' '$(id) 7946')");
	});

	test("are named with the host's name and the remedy, and nothing is said when all answer", () => {
		expect(closedPorts("", "worker3")).toBeUndefined();
		expect(closedPorts("10.0.0.1 7946\n10.0.0.1 2377\n", "worker3")).toBe(
			"hosts, address of worker3: it cannot join the swarm, for from there it does not reach 2377/tcp of 10.0.0.1, 7946/tcp of 10.0.0.1: " +
				"let 2377/tcp, 7946/tcp and udp, and swarm.dataPathPort/udp (4789) through between the nodes (firewall, security groups), " +
				"or correct the managers' addresses",
		);
	});
});
