import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newKeyPair } from "../../../lib/sshKeys.ts";
import { sshOptions } from "../../../lib/sshOptions.ts";
import { connection } from "../fixtures.ts";

const run = promisify(execFile);
const home = fs.mkdtempSync(path.join(os.tmpdir(), "ssh-options-"));
const hostKey = newKeyPair();
const privateKey = newKeyPair().private;
const clients = new Set<ssh2.Connection>();

/** An SSH server that lets everybody in, forwards to where it is asked to, and answers a command with its name. */
const server = (name: string) =>
	new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
		clients.add(client);
		client.on("error", () => {});
		client.on("authentication", (context) => context.accept());
		client.on("tcpip", (accept, _reject, { destIP, destPort }) => {
			const channel = accept();
			const socket = net.connect(destPort, destIP);
			socket.pipe(channel).pipe(socket);
		});
		client.on("session", (accept) =>
			accept().on("exec", (acceptExec) => {
				const channel = acceptExec();
				channel.write(name);
				channel.exit(0);
				channel.end();
			}),
		);
	});

const bastion = server("bastion");
const behind = server("behind");
const listening = (which: ssh2.Server) =>
	new Promise<number>((resolve) => which.listen(0, "127.0.0.1", () => resolve((which.address() as net.AddressInfo).port)));

beforeAll(() => {
	vi.stubEnv("HOME", home);
});

afterAll(() => {
	for (const client of clients) client.end();
	for (const which of [bastion, behind]) which.close();
	vi.unstubAllEnvs();
	fs.rmSync(home, { recursive: true });
});

test("the ssh program reaches a host through its bastion, and each by one connection that it keeps", async () => {
	const to = (port: number) => connection({ host: "127.0.0.1", port, privateKey, hostKey: hostKey.public.trim() });
	const host = { ...to(await listening(behind)), proxy: to(await listening(bastion)) };
	const ask = () => run("ssh", [...sshOptions(host), "-p", `${host.port}`, `${host.user}@${host.host}`, "name"], { timeout: 30_000 });
	expect((await ask()).stdout).toBe("behind");
	expect((await ask()).stdout).toBe("behind");
	expect(clients.size).toBe(2);
});
