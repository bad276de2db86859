import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerChannel } from "ssh2";
import { afterEach, describe, expect, test, vi } from "vitest";
import { dockerOn } from "../../../lib/docker.ts";
import { closeConnections, exec } from "../../../lib/ssh.ts";
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

test("what the login prints is no part of Docker's answer, nor of a command's", async () => {
	servers.greeting = "Welcome to this host\nHTTP/1.1 500 no newline at the end: ";
	const docker = dockerOn(
		await host((channel) => channel.once("data", () => channel.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))),
	);
	expect(String(await docker.ping())).toBe("OK");
	const answering = await host((channel) => {
		channel.write("answer\n");
		channel.exit(0);
		channel.end();
	});
	expect(await exec(answering, "command")).toMatchObject({ stdout: "answer\n", code: 0 });
	servers.greeting = "";
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

/** A host whose Docker answers at once, and what breaks the connections to it as a network does. */
async function behindNetwork(idleMs: number) {
	// Like Docker it does not say how long it keeps a connection.
	const docker = net.createServer((socket) => {
		socket.setTimeout(idleMs, () => socket.end());
		socket.on("error", () => {}).on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"));
	});
	await new Promise<void>((resolve) => docker.listen(0, "127.0.0.1", resolve));
	const port = await servers.listen(0, () => {}, (docker.address() as net.AddressInfo).port);
	const links = new Set<net.Socket>();
	const network = net.createServer((near) => {
		const far = net.connect(port, "127.0.0.1");
		for (const end of [near, far]) links.add(end.on("error", () => {}));
		near.pipe(far).pipe(near);
		near.once("close", () => far.destroy());
	});
	await new Promise<void>((resolve) => network.listen(0, "127.0.0.1", resolve));
	const cut = () => {
		for (const link of links) link.destroy();
		links.clear();
	};
	const end = () => {
		cut();
		network.close();
		docker.close();
	};
	return { docker: dockerOn(servers.to((network.address() as net.AddressInfo).port)), cut, end };
}

const soon = (promise: Promise<unknown>) =>
	Promise.race([promise.catch((error) => `failed: ${error}`), sleep(3000, "nothing yet")]).then(String);

test("a connection that breaks costs the request that is under way at most: it fails at once, and the next one goes over a new one", async () => {
	const { docker, cut, end } = await behindNetwork(5000);
	for (let ms = 0; ms < 10; ms++) {
		const asked = docker.ping();
		await sleep(ms);
		cut();
		expect(await soon(asked), `cut after ${ms} ms`).toMatch(/^(OK$|failed: )/);
		expect(await soon(docker.ping().catch(() => docker.ping()))).toBe("OK");
	}
	end();
}, 60_000);

test.each([
	["Docker itself", () => {}],
	["Docker itself, before it broke", (cut: () => void) => cut()],
])(
	"a request does not go over what has been idle and was ended by %s",
	async (_by, then) => {
		const { docker, cut, end } = await behindNetwork(300);
		for (let i = 0; i < 3; i++) {
			expect(await soon(docker.ping())).toBe("OK");
			await sleep(600);
			then(cut);
			await sleep(50);
		}
		end();
	},
	60_000,
);

describe("a host whose sshd allows ten sessions per connection, as it does by default", () => {
	/** Answers Docker and commands, and counts the sessions that are open. */
	async function tenSessions(user: string) {
		const seen = { open: 0, most: 0, refused: 0 };
		const port = await servers.listen(0, (channel) => {
			seen.open++;
			seen.most = Math.max(seen.most, seen.open);
			if (seen.open > 10) {
				seen.refused++;
				channel.close();
			}
			channel.once("close", () => seen.open--);
			channel.on("error", () => {}).on("data", () => setTimeout(() => channel.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"), 20));
			channel.once("end", () => channel.exit(0)).once("end", () => channel.end());
		});
		return { seen, connection: servers.to(port, { user }) };
	}

	test("is asked much at the same time without an eleventh one, and what is idle is given back", async () => {
		const { seen, connection } = await tenSessions("ubuntu");
		const pings = Array.from({ length: 40 }, () => dockerOn(connection).ping().then(String));
		const commands = Array.from({ length: 40 }, () => exec(connection, "true").then(({ code }) => code));
		expect(new Set(await Promise.all(pings))).toEqual(new Set(["OK"]));
		expect(new Set(await Promise.all(commands))).toEqual(new Set([0]));
		expect(seen).toMatchObject({ refused: 0, most: expect.any(Number) });
		expect(seen.most).toBeLessThan(10);
		expect(seen.most).toBeGreaterThan(5);
		await expect.poll(() => seen.open, { timeout: 8000 }).toBe(0);
		expect(String(await dockerOn(connection).ping())).toBe("OK");
	}, 30_000);
});
