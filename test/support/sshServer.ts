import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import type { Connection } from "../../lib/connection.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";

const hostKey = newKeyPair();
const privateKey = newKeyPair().private;

/** SSH servers of a test, all with one host key, that let everybody in and run nothing. */
export class SshServers {
	readonly #servers: ssh2.Server[] = [];

	/** Begins one and returns its port. `answer`: to every command. */
	listen(port = 0, answer: (channel: ssh2.ServerChannel) => void = () => {}): Promise<number> {
		const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
			client.on("error", () => {});
			client.on("authentication", (context) => context.accept());
			client.on("session", (accept) => accept().on("exec", (acceptExec) => answer(acceptExec())));
		});
		this.#servers.push(server);
		return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
	}

	/** A connection that the server at the port lets in. */
	to(port: number, change: Partial<Connection> = {}): Connection {
		return { host: "127.0.0.1", port, user: "root", privateKey, hostKey: hostKey.public.trim(), ...change };
	}

	close(): void {
		for (const server of this.#servers.splice(0)) server.close();
	}
}
