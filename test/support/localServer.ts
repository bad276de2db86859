import * as http from "node:http";
import type { AddressInfo } from "node:net";

/* HTTP servers of a test in its own process. */

const servers: http.Server[] = [];

/** Port of 127.0.0.1 at which it answers, until `closeServers`. */
export async function listen(answer: http.RequestListener): Promise<number> {
	const server = http.createServer(answer);
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
export async function closedPort(): Promise<number> {
	const port = await listen(() => {});
	await new Promise((resolve) => servers.pop()?.close(resolve));
	return port;
}

export function closeServers(): void {
	for (const server of servers.splice(0)) {
		server.close();
		server.closeAllConnections();
	}
}
