import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { afterEach, expect, test } from "vitest";
import type { Connection } from "../../../lib/connection.ts";
import { closeConnections, connect, SshError } from "../../../lib/ssh.ts";
import { newKeyPair } from "../../../lib/sshKeys.ts";
import { freePort } from "../../support/registry.ts";
import { connection } from "../fixtures.ts";

const hostKey = newKeyPair();
const privateKey = newKeyPair().private;
const servers: ssh2.Server[] = [];

/** An SSH server that lets everybody in, and forwards to where it is asked to. */
function listen(port = 0): Promise<number> {
	const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
		client.on("error", () => {});
		client.on("authentication", (context) => context.accept());
	});
	servers.push(server);
	return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

afterEach(async () => {
	await closeConnections();
	for (const server of servers.splice(0)) server.close();
});

const to = (port: number, change: Partial<Connection> = {}) =>
	connection({ host: "127.0.0.1", port, privateKey, hostKey: hostKey.public.trim(), ...change });

test("one connection is shared by all who ask", async () => {
	const port = await listen();
	const [first, second] = await Promise.all([connect(to(port)), connect(to(port))]);
	expect(first).toBe(second);
});

test("who asks for a host that another is about to give up on still has all the time asked for", async () => {
	const port = await freePort();
	const patient = [connect(to(port), 0.5), connect(to(port), 20)];
	setTimeout(() => void listen(port), 2000);
	expect((await Promise.allSettled(patient)).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
});

test("a bastion that does not answer is given up when the time asked for the host behind it is over", async () => {
	const port = await freePort();
	const behind = to(22, { host: "192.0.2.1", proxy: to(port) });
	const begun = Date.now();
	await expect(connect(behind, 1)).rejects.toThrow(SshError);
	expect(Date.now() - begun).toBeLessThan(15_000);
});
