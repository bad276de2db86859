import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { afterEach, expect, test, vi } from "vitest";
import { dockerOn } from "../../../lib/docker.ts";
import { closeConnections } from "../../../lib/ssh.ts";
import { newKeyPair } from "../../../lib/sshKeys.ts";
import { connection } from "../fixtures.ts";

const hostKey = newKeyPair();
const privateKey = newKeyPair().private;
const servers: ssh2.Server[] = [];

/** An SSH server that lets everybody in, runs nothing, and answers every command in the same way. */
async function host(answer: (channel: ssh2.ServerChannel) => void) {
	const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
		client.on("error", () => {});
		client.on("authentication", (context) => context.accept());
		client.on("session", (accept) => accept().on("exec", (acceptExec) => answer(acceptExec())));
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	return connection({ host: "127.0.0.1", port, user: "ubuntu", privateKey, hostKey: hostKey.public.trim() });
}

afterEach(async () => {
	vi.restoreAllMocks();
	await closeConnections();
	for (const server of servers.splice(0)) server.close();
});

test("a user who is not root reaches Docker by way of sudo", async () => {
	const docker = dockerOn(
		await host((channel) => channel.once("data", () => channel.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))),
	);
	expect(String(await docker.ping())).toBe("OK");
});

test("a host without Docker is told in sudo's words, and is nothing that may be taken for gone", async () => {
	const docker = dockerOn(
		await host((channel) => {
			channel.stderr.write("sudo: docker: command not found\n");
			channel.exit(1);
			channel.end();
		}),
	);
	await expect(docker.ping()).rejects.toMatchObject({
		fault: "unreachable",
		message: expect.stringMatching(/^ubuntu@127\.0\.0\.1:\d+: Docker does not answer: sudo: docker: command not found$/),
	});
});

test("a request that Docker does not answer ends, and says which one", async () => {
	const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort());
	await expect(dockerOn(await host(() => {})).listVolumes()).rejects.toThrow(
		/^Docker on ubuntu@127\.0\.0\.1:\d+: GET \/volumes: not done after 120 s; last seen: no answer$/,
	);
	expect(timeout).toHaveBeenCalledWith(120_000);
});
