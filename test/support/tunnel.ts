import { once } from "node:events";
import * as net from "node:net";
import type { Connection } from "../../lib/connection.ts";
import { connect } from "../../lib/ssh.ts";

/** Leads a port of this machine's loopback interface to one of a host's, as `ssh -L` does. */
export class Tunnel {
	readonly url: string;
	readonly #server: net.Server;

	private constructor(server: net.Server) {
		this.#server = server;
		this.url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
	}

	static async to(connection: Connection, port: number): Promise<Tunnel> {
		const server = net.createServer({ allowHalfOpen: true }, (socket) => {
			socket.on("error", () => {});
			connect(connection)
				.then((client) =>
					client.forwardOut("127.0.0.1", 0, "127.0.0.1", port, (error, channel) => {
						if (error) return socket.destroy();
						channel.on("error", () => socket.destroy());
						socket.once("close", () => channel.close());
						socket.pipe(channel).pipe(socket);
					}),
				)
				.catch(() => socket.destroy());
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		return new Tunnel(server);
	}

	close(): void {
		this.#server.close();
	}
}
