import type { ServerChannel } from "ssh2";
import { afterEach, expect, test, vi } from "vitest";
import { dockerOn } from "../../../lib/docker.ts";
import { closeConnections } from "../../../lib/ssh.ts";
import { SshServers } from "../../support/sshServer.ts";

const servers = new SshServers();

/** A host that answers every command of a user who is not root in the same way. */
const host = async (answer: (channel: ServerChannel) => void) => servers.to(await servers.listen(0, answer), { user: "ubuntu" });

afterEach(async () => {
	vi.restoreAllMocks();
	await closeConnections();
	servers.close();
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
