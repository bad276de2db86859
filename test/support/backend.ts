import * as http from "node:http";
import type * as net from "node:net";

/** A node of the service, as NGINX sees it: answers with its address and the headers it was sent. */
export class Backend {
	/** Connections and requests it was sent. */
	connections = 0;
	requests = 0;
	readonly #server = http.createServer();
	readonly #address: string;
	readonly #port: number;

	constructor(address: string, port: number) {
		this.#address = address;
		this.#port = port;
		this.#server.on("connection", () => this.connections++);
		this.#server.on("request", (request, response) => {
			this.requests++;
			request.resume().once("end", () => {
				response.writeHead(200, { "x-node": address });
				response.end(JSON.stringify({ node: address, headers: request.headers }));
			});
		});
		// Says back what it is sent, once the connection is a web socket's.
		this.#server.on("upgrade", (_request, socket: net.Socket) => {
			socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
			socket.pipe(socket);
		});
	}

	listen(): Promise<void> {
		return new Promise((resolve) => this.#server.listen(this.#port, this.#address, () => resolve()));
	}

	/** From now on it refuses connections. */
	close(): Promise<void> {
		return new Promise((resolve) => {
			this.#server.close(() => resolve());
			this.#server.closeAllConnections();
		});
	}

	/** Connections that are open. */
	open(): Promise<number> {
		return new Promise((resolve, reject) => this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
	}
}
