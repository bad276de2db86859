import * as http from "node:http";
import * as net from "node:net";
import * as readline from "node:readline";

/*
 * A client in a network namespace: `node client.ts`. Each line on standard input is a request {id, url}, each on standard output what came of it {id, said}: the status, or
 * the error's code. {id, relay: [from, address, port]} relays a port to another address, as Docker's proxy does; {id, listen, body} answers requests to a port.
 */

interface Wish {
	id: number;
	url?: string;
	relay?: [number, string, number];
	listen?: number;
	body?: string;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
	const { id, url, relay, listen, body = "other" } = JSON.parse(line) as Wish;
	const say = (said: string) => process.stdout.write(`${JSON.stringify({ id, said })}\n`);
	if (relay) {
		const [from, address, port] = relay;
		const server = net.createServer((inner) => {
			const outer = net.connect(port, address);
			inner.pipe(outer).pipe(inner);
			inner.on("error", () => outer.destroy());
			outer.on("error", () => inner.destroy());
		});
		server.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? error.message)).listen(from, () => say("listening"));
	} else if (listen) {
		http
			.createServer((request, response) => {
				const ms = Number(new URL(request.url ?? "", "http://other").searchParams.get("ms") ?? 0);
				setTimeout(() => response.end(body), ms);
			})
			.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? error.message))
			.listen(listen, () => say("listening"));
	} else {
		http
			.get(url ?? "", { agent: false, timeout: 20_000 }, (response) => {
				response.resume();
				response.on("end", () => say(String(response.statusCode)));
				response.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? error.message));
			})
			.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? error.message));
	}
});
