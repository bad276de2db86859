import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { figures, Load, runTwice, throughput } from "../../bench/load.ts";

const sample = (id: string, begun: number, status = 200) => ({ id, begun, took: 100, status });
const line = (id: string, status: string) => `2026-01-01T00:00:00.000+09:00 1 worker1 GET /load ${id} ${status} 0`;

test("a request that began twice was run twice, also when only one of the runs was answered", () => {
	const log = [
		line("abcdef-1", "begun"),
		line("abcdef-2", "begun"),
		line("abcdef-1", "begun"),
		line("abcdef-1", "200"),
		line("abcdef-2", "200"),
	];
	expect(runTwice([sample("abcdef-1", 0), sample("abcdef-2", 0)], log.join("\n"))).toBe(1);
});

test("a log that lacks an answered request proves nothing, and is refused; a failed one need not be there", () => {
	expect(() => runTwice([sample("abcdef-1", 0)], "")).toThrow("lacks 1 answered requests, abcdef-1 among them");
	expect(runTwice([sample("abcdef-1", 0, 502)], "")).toBe(0);
});

test("the figures of a phase count every request that overlaps it", () => {
	const samples = [sample("a", 0), sample("b", 150, 502), sample("c", 250), sample("d", 500)];
	expect(figures(samples, 200, 400)).toMatchObject({ total: 2, failed: 1, problems: ["HTTP 502"] });
});

test("the throughput counts what was answered within the phase, and apart from it what failed", () => {
	const samples = [sample("a", 0), sample("b", 1950), sample("c", 2000), sample("d", 2500, 502), sample("e", 3000), sample("f", 3950)];
	expect(throughput(samples, 2000, 4000)).toEqual({ perSecond: 1.5, p50: 100, failed: 1 });
});

test("half of the requests are POST, the others GET, PUT and DELETE; each has an ID of its own, and a client keeps its connection when it is to", async () => {
	const asked: { method: string; id: string; bytes: number }[] = [];
	let connections = 0;
	const server = http.createServer((request, response) => {
		let bytes = 0;
		request.on("data", (data) => (bytes += data.length));
		request.once("end", () => {
			const { pathname, searchParams } = new URL(request.url ?? "", "http://was");
			expect([pathname, searchParams.get("url")]).toEqual(["/call", "http://other"]);
			asked.push({ method: request.method ?? "", id: searchParams.get("id") ?? "", bytes });
			response.end();
		});
	});
	server.on("connection", () => connections++).listen(0, "127.0.0.1");
	await once(server, "listening");
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const load = new Load({ url, clients: 2, keepAlive: true, maxDelayMs: 0, path: "/call?url=http%3A%2F%2Fother" });
	await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(160);
	await load.stop();
	server.close();
	const share = (method: string) => asked.filter((request) => request.method === method).length / asked.length;
	expect(share("POST")).toBeCloseTo(0.5, 1);
	for (const [method, expected] of [
		["GET", 0.25],
		["PUT", 0.125],
		["DELETE", 0.125],
	] as const)
		expect(share(method), method).toBeCloseTo(expected, 1);
	expect(new Set(asked.map(({ id }) => id)).size).toBe(asked.length);
	expect(asked.every(({ id }) => id.startsWith(`${load.run}-`))).toBe(true);
	expect(asked.every(({ method, bytes }) => bytes === (method === "POST" || method === "PUT" ? 2000 : 0))).toBe(true);
	expect(load.samples.map(({ status }) => status)).toEqual(load.samples.map(() => 200));
	expect(connections).toBe(2);
});
