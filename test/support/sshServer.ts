import * as net from "node:net";
import ssh2 from "ssh2";
import type { Connection } from "../../lib/connection.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";

const hostKey = newKeyPair();
const privateKey = newKeyPair().private;

/** SSH servers of a test, all with one host key, that let everybody in and run nothing. Behind them may be an Engine API. */
export class SshServers {
	readonly #servers: ssh2.Server[] = [];

	/** Begins one and returns its port. `answer`: to every command. `dockerPort`: TCP port of the loopback interface that takes the place of Docker's socket. */
	listen(port = 0, answer: (channel: ssh2.ServerChannel) => void = () => {}, dockerPort?: number): Promise<number> {
		const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
			client.on("error", () => {});
			client.on("authentication", (context) => context.accept());
			client.on("openssh.streamlocal", (accept, reject) => {
				if (dockerPort === undefined) return reject();
				const channel = accept();
				const docker = net.connect({ port: dockerPort, host: "127.0.0.1", allowHalfOpen: true });
				for (const end of [channel, docker]) end.on("error", () => channel.close());
				channel.pipe(docker);
				docker.pipe(channel, { end: false });
				// As OpenSSH: where Docker has ended, the channel is open to it until somebody writes.
				docker.once("end", () => channel.eof());
			});
			client.on("session", (accept) => accept().on("exec", (acceptExec) => answer(acceptExec())));
		});
		this.#servers.push(server);
		return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)));
	}

	/** A connection that the server at the port lets in. */
	to(port: number, change: Partial<Connection> = {}): Connection {
		return { host: "127.0.0.1", port, user: "root", privateKey, hostKey: hostKey.public.trim(), ...change };
	}

	close(): void {
		for (const server of this.#servers.splice(0)) server.close();
	}
}
