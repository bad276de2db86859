import * as net from "node:net";
import ssh2 from "ssh2";
import type { Connection } from "../../lib/connection.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";

const hostKey = newKeyPair();
const privateKey = newKeyPair().private;

/** SSH servers of a test, all with one host key, that let everybody in and run nothing. Behind them may be an Engine API. */
export class SshServers {
	/** What a login prints before anything else, as a `.bashrc` may. */
	greeting = "";
	readonly #servers: ssh2.Server[] = [];
	/** What the servers have open, by their ports. */
	readonly #clients = new Map<number, Set<ssh2.Connection>>();

	/** Begins one and returns its port. `answer`: to every command. `dockerPort`: TCP port of the loopback interface that takes the place of Docker's socket. */
	listen(port = 0, answer: (channel: ssh2.ServerChannel) => void = () => {}, dockerPort?: number): Promise<number> {
		const clients = new Set<ssh2.Connection>();
		const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
			clients.add(client);
			client.on("error", () => {});
			client.on("authentication", (context) => context.accept());
			client.on("openssh.streamlocal", (accept, reject) => {
				if (dockerPort === undefined) return reject();
				forward(accept(), dockerPort);
			});
			client.on("tcpip", (accept, _reject, { destPort }) => forward(accept(), destPort));
			client.on("session", (accept) =>
				accept().on("exec", (acceptExec, _reject, { command }) => {
					const channel = acceptExec();
					// As a shell would; `greeting` is what the login prints.
					const [, mark] = /^echo (\S+);/.exec(command) ?? [];
					if (mark) channel.write(`${this.greeting}${mark}\n`);
					answer(channel);
				}),
			);
		});
		this.#servers.push(server);
		return new Promise((resolve) =>
			server.listen(port, "127.0.0.1", () => {
				const { port: own } = server.address() as net.AddressInfo;
				this.#clients.set(own, clients);
				resolve(own);
			}),
		);
	}

	/** A connection that the server at the port lets in. */
	to(port: number, change: Partial<Connection> = {}): Connection {
		return { host: "127.0.0.1", port, user: "root", privateKey, hostKey: hostKey.public.trim(), ...change };
	}

	/** Ends what is connected to the one at the port, as sshd does when it is stopped: without a word. */
	drop(port: number): void {
		for (const client of this.#clients.get(port) ?? []) (client as unknown as { _sock: net.Socket })._sock.end();
		this.#clients.get(port)?.clear();
	}

	close(): void {
		for (const server of this.#servers.splice(0)) server.close();
	}
}

/** As OpenSSH: where the other end has ended, the channel is open to it until somebody writes. */
function forward(channel: ssh2.ServerChannel, port: number): void {
	const other = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
	for (const end of [channel, other]) end.on("error", () => channel.close());
	channel.pipe(other);
	other.pipe(channel, { end: false });
	other.once("end", () => channel.eof());
}
