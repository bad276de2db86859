import * as http from "node:http";
import type * as net from "node:net";

/**
 * A node of the service, as NGINX sees it: answers with its address and the headers it was sent, after `?ms=`, with
 * `?status=`, a header of `?header=` bytes, and only once the whole body is there.
 */
export class Backend {
	/** Connections and requests it was sent. */
	connections = 0;
	requests = 0;
	/** Connections that it ended itself, since they were idle. */
	ended = 0;
	/** Paths with their queries of requests that began. */
	readonly began: string[] = [];
	readonly #server = http.createServer();
	readonly #address: string;
	readonly #port: number;

	/** Ends a connection after that many idle milliseconds, without a word beforehand. */
	constructor(address: string, port: number, { idleMs = 60_000 } = {}) {
		this.#address = address;
		this.#port = port;
		this.#server.keepAliveTimeout = 0;
		this.#server.on("connection", (socket) => {
			this.connections++;
			socket.setTimeout(idleMs, () => {
				this.ended++;
				socket.destroy();
			});
		});
		this.#server.on("request", (request, response) => {
			this.requests++;
			this.began.push(request.url ?? "");
			let length = 0;
			request.on("data", (data) => {
				length += data.length;
			});
			request.once("end", () => {
				const query = new URL(request.url ?? "", "http://node").searchParams;
				const answer = () => {
					const bytes = Number(query.get("header"));
					response.writeHead(Number(query.get("status") ?? 200), { "x-node": address, ...(bytes > 0 && { "x-large": "x".repeat(bytes) }) });
					response.end(JSON.stringify({ node: address, headers: request.headers, method: request.method, length }));
				};
				const ms = Number(query.get("ms"));
				if (ms > 0) setTimeout(answer, ms);
				else answer();
			});
		});
		// Says back what it is sent, once the connection is a web socket's.
		this.#server.on("upgrade", (_request, socket: net.Socket) => {
			socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
			socket.pipe(socket);
		});
	}

	listen(): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen(this.#port, this.#address, () => resolve());
		});
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
