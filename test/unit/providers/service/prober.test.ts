import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Prober } from "../../../../providers/service/prober.ts";
import { makeCertificate } from "../../../support/certificate.ts";

let server: http.Server | https.Server;
afterEach(() => {
	server.closeAllConnections();
	server.close();
});

async function listen(made: typeof server, scheme: string): Promise<string> {
	server = made;
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function probe(endpoint: string, milliseconds = 400) {
	const prober = new Prober({ endpoint }, { path: "/probed?x=1", ratePerSecond: 50, failOnError: false });
	await new Promise((resolve) => setTimeout(resolve, milliseconds));
	await prober.stop();
	return prober.result();
}

test("asks the path through HTTPS, also with a certificate for another name that no CA vouches for", async () => {
	const { certificate, key } = makeCertificate(["DNS:was.example.org"]);
	const paths = new Set<string | undefined>();
	const endpoint = await listen(
		https.createServer({ cert: certificate, key }, (request, response) => {
			paths.add(request.url);
			response.end("ok");
		}),
		"https",
	);
	const result = await probe(endpoint);
	expect(result).toMatchObject({ failed: 0 });
	expect(result?.total).toBeGreaterThan(0);
	expect([...paths]).toEqual(["/probed?x=1"]);
});

test("a 5xx and a cut answer are failed requests, a 404 is not", async () => {
	let count = 0;
	const endpoint = await listen(
		http.createServer((_request, response) => {
			count++;
			if (count % 3 === 0) response.writeHead(404).end();
			else if (count % 3 === 1) response.writeHead(502).end();
			else {
				response.writeHead(200, { "content-length": 100 });
				response.write("part", () => response.destroy());
			}
		}),
		"http",
	);
	const result = await probe(endpoint);
	expect(result?.total).toBe(count);
	expect(result?.failed).toBe(count - Math.floor(count / 3));
});

test("is off at a rate of 0", async () => {
	const prober = new Prober({ endpoint: "http://127.0.0.1:9" }, { path: "/", ratePerSecond: 0, failOnError: true });
	await prober.stop();
	expect(prober.result()).toBeUndefined();
	server = http.createServer();
});
