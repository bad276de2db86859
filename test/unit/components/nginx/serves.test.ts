import * as fs from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { httpConfig, httpsConfig } from "../../../../components/balancer/nginx/config.ts";
import { Backend } from "../../../support/backend.ts";
import { makeCertificate } from "../../../support/certificate.ts";
import { forVersion, freePorts, isAtLeast, LocalNginx, nginxVersion } from "../../../support/nginx.ts";
import { handshake, ask as request } from "../../../support/tls.ts";
import { type Raw, topology } from "../../fixtures.ts";
import { frontOf } from "./front.ts";

/* The rendered files in a real NGINX of this machine, in front of three servers of this process. */

const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
const root = makeCertificate([], { ca: true });
const site = makeCertificate(["DNS:was.example.org"], { issuer: root });

let nodes: Backend[] = [];
let port: number;
let httpPort: number;
let httpsPort: number;
let nginx: LocalNginx;

const inDirectory = (name: string) => path.join(nginx.directory, name);
const given = { certificateFile: "c", keyFile: "k" };

async function start(change: Raw): Promise<void> {
	const { nginx: config } = topology((all) =>
		Object.assign(all.nginx, { bind: "127.0.0.1", listen: httpPort, sites: [{ serverName: "was.example.org" }], ...change }),
	);
	if (config.tls) config.tls.httpsPort = httpsPort;
	nginx = new LocalNginx();
	const pair = inDirectory("site.pem");
	fs.writeFileSync(pair, site.certificate + root.certificate + site.key, { mode: 0o600 });
	const paths = {
		maintenance: inDirectory("maintenance"),
		httpsUp: inDirectory("up"),
		challenges: inDirectory("acme"),
		certificate: pair,
		key: pair,
	};
	const servers = addresses.map((address) => ({ name: address, address }));
	const rendered = frontOf(config, servers, { port, httpsPort, paths });
	// As conf.d is read: by name, so HTTPS comes first.
	const text = `${config.tls ? httpsConfig(rendered) : ""}${httpConfig(rendered)}`;
	await nginx.start(forVersion(text, nginxVersion as string), httpPort);
}

const trust = { ca: root.certificate, servername: "was.example.org" };

/** Asks NGINX; `seen` is what the node saw, when one answered. */
async function ask(scheme: "http" | "https", options: Parameters<typeof request>[1] & { path?: string } = {}) {
	const base = scheme === "https" ? `https://127.0.0.1:${httpsPort}` : `http://127.0.0.1:${httpPort}`;
	const answer = await request(base, { ...(scheme === "https" && trust), ...options });
	const seen = (answer.headers["x-node"] ? JSON.parse(answer.body) : {}) as { node: string; headers: Record<string, string> };
	return { ...answer, seen };
}

describe.skipIf(!nginxVersion)(`in NGINX${nginxVersion ? ` ${nginxVersion}` : ": there is none on this machine"}`, () => {
	beforeAll(async () => {
		[port, httpPort, httpsPort] = (await freePorts(3)) as [number, number, number];
		nodes = addresses.map((address) => new Backend(address, port));
		await Promise.all(nodes.map((node) => node.listen()));
	});

	afterAll(() => Promise.all(nodes.map((node) => node.close())));
	afterEach(() => nginx.stop());

	test("TLS 1.2 and 1.3 are spoken with the whole chain, and nothing older", async () => {
		await start({ tls: given });
		for (const version of ["TLSv1.3", "TLSv1.2"] as const)
			expect(await handshake(httpsPort, trust, version)).toMatchObject({ protocol: version });
		for (const version of ["TLSv1.1", "TLSv1"] as const)
			await expect(handshake(httpsPort, trust, version)).rejects.toThrow(/protocol version/);
	});

	test("minVersion TLSv1.3 refuses 1.2", async () => {
		await start({ tls: { ...given, minVersion: "TLSv1.3" } });
		expect(await handshake(httpsPort, trust, "TLSv1.3")).toMatchObject({ protocol: "TLSv1.3" });
		await expect(handshake(httpsPort, trust, "TLSv1.2")).rejects.toThrow(/protocol version/);
	});

	test("HTTP/2 is spoken, with the syntax of this version", async () => {
		await start({ tls: given });
		const session = http2.connect(`https://127.0.0.1:${httpsPort}`, { ca: root.certificate, servername: "was.example.org" });
		const status = await new Promise((resolve, reject) => {
			session.once("error", reject);
			session
				.request({ ":path": "/", ":authority": "was.example.org" })
				.once("response", (headers) => resolve(headers[":status"]))
				.resume();
		});
		session.close();
		expect(status).toBe(200);
	});

	test("HTTP serves until HTTPS is up, and then leads there, method and query kept; challenges and maintenance go before", async () => {
		const acme = { email: "ops@example.org", agreeTos: true };
		await start({ tls: { acme } });
		fs.mkdirSync(inDirectory("acme/.well-known/acme-challenge"), { recursive: true });
		fs.writeFileSync(inDirectory("acme/.well-known/acme-challenge/token"), "proof");
		const headers = { host: `was.example.org:${httpPort}` };
		const challenge = async () => (await ask("http", { path: "/.well-known/acme-challenge/token", headers })).body;

		expect((await ask("http", { headers })).status).toBe(200);
		expect(await challenge()).toBe("proof");
		fs.mkdirSync(inDirectory("up"));
		fs.writeFileSync(inDirectory("up/was.example.org"), "");
		const led = await ask("http", { method: "POST", path: "/a/b?c=d%20e", body: "x", headers });
		expect([led.status, led.headers.location]).toEqual([308, `https://was.example.org:${httpsPort}/a/b?c=d%20e`]);
		expect(await challenge()).toBe("proof");
		expect((await ask("http", { path: "/.well-known/acme-challenge/none", headers })).status).toBe(404);
		fs.writeFileSync(inDirectory("maintenance"), "");
		expect((await ask("http", { headers })).status).toBe(503);
		expect(await challenge()).toBe("proof");
	});

	test("headers of an answer may be as large as configured: OIDC's cookies are beyond NGINX's own 4 KiB", async () => {
		const large = async () => (await ask("http", { path: "/?header=12000" })).status;
		await start({});
		expect(await large()).toBe(200);
		await nginx.stop();
		await start({ responseHeaderKiB: 4 });
		expect(await large()).toBe(502);
	});

	test("maintenance over HTTPS is a 503 with Retry-After and HSTS, and ends without a reload", async () => {
		await start({ tls: { ...given, hstsSeconds: 600 } });
		fs.writeFileSync(inDirectory("maintenance"), "");
		const closed = await ask("https");
		expect(closed).toMatchObject({ status: 503, headers: { "retry-after": "120", "strict-transport-security": "max-age=600" } });
		fs.rmSync(inDirectory("maintenance"));
		expect(await ask("https")).toMatchObject({ status: 200, headers: { "strict-transport-security": "max-age=600" } });
	});

	test.each(["http", "https"] as const)("a web socket over %s carries data both ways", async (scheme) => {
		await start({ tls: { ...given, redirect: false } });
		const options = { host: "127.0.0.1", headers: { Connection: "Upgrade", Upgrade: "websocket" }, agent: false as const };
		const upgrading =
			scheme === "https"
				? https.get({ ...options, port: httpsPort, ca: root.certificate, servername: "was.example.org" })
				: http.get({ ...options, port: httpPort });
		const echoed = await new Promise<string>((resolve, reject) => {
			upgrading.once("error", reject);
			upgrading.once("response", ({ statusCode }) => reject(new Error(`HTTP ${statusCode}`)));
			upgrading.once("upgrade", (_response, socket) => {
				socket.once("data", (data) => {
					resolve(String(data));
					socket.destroy();
				});
				socket.write("ping");
			});
		});
		expect(echoed).toBe("ping");
	});

	test.each([
		["h2c", false],
		["websocket, h2c", false],
		["WebSocket", true],
	])("Upgrade: %s reaches the application: %s", async (upgrade, reaches) => {
		await start({});
		const before = nodes.reduce((sum, { requests }) => sum + requests, 0);
		const headers = { Connection: "Upgrade, HTTP2-Settings", Upgrade: upgrade, "HTTP2-Settings": "AAMAAABkAAQAAP__" };
		const status = await new Promise((resolve, reject) => {
			const asking = http.get({ host: "127.0.0.1", port: httpPort, headers, agent: false });
			asking.once("error", reject);
			asking.once("response", (response) => response.resume().once("end", () => resolve(response.statusCode)));
			asking.once("upgrade", (response, socket) => {
				socket.destroy();
				resolve(response.statusCode);
			});
		});
		expect(status).toBe(reaches ? 101 : 200);
		// As an ordinary request otherwise.
		expect(nodes.reduce((sum, { requests }) => sum + requests, 0) - before).toBe(reaches ? 0 : 1);
	});

	describe("clients stay on their node", () => {
		const nodeOf = async (cookie: string) => (await ask("http", { headers: { cookie } })).seen.node;

		const hashed = "by a hash of a cookie; when it refuses connections, all of its requests go elsewhere, each once";
		test.each([true, false])(`${hashed} (requestBuffering %s)`, async (requestBuffering) => {
			await start({ method: "hash", hashKey: "$cookie_session", maxFails: 0, requestBuffering });
			const cookies = Array.from({ length: 20 }, (_, i) => `session=client-${i}`);
			const first = await Promise.all(cookies.map(nodeOf));
			expect(new Set(first).size).toBe(3);
			expect(await Promise.all(cookies.map(nodeOf))).toEqual(first);

			const [drained] = nodes as [Backend];
			await drained.close();
			const before = nodes.reduce((sum, { requests }) => sum + requests, 0);
			const posts = await Promise.all(cookies.map((cookie) => ask("http", { method: "POST", body: "x", headers: { cookie } })));
			expect(posts.map(({ status }) => status)).toEqual(cookies.map(() => 200));
			expect(nodes.reduce((sum, { requests }) => sum + requests, 0) - before).toBe(cookies.length);
			posts.forEach(({ seen }, i) => {
				if (first[i] !== addresses[0]) expect(seen.node, "others stay where they are").toBe(first[i]);
			});
			await drained.listen();
			expect(await Promise.all(cookies.map(nodeOf))).toEqual(first);
		});

		test("by a cookie of NGINX; when the node refuses connections, the next one answers and becomes theirs", async (context) => {
			context.skip(!isAtLeast("1.29.6"), `nginx ${nginxVersion} is older than 1.29.6`);
			await start({ sticky: { cookie: "node", expiresSeconds: 60 }, maxFails: 0 });
			const first = await ask("http");
			expect(first.headers["set-cookie"]?.[0]).toMatch(/^node=[0-9a-f]+; expires=.*; max-age=60; httponly; samesite=lax; path=\/$/i);
			const cookie = (answer: Awaited<ReturnType<typeof ask>>) => answer.headers["set-cookie"]?.[0]?.split(";")[0] as string;
			for (let i = 0; i < 5; i++) expect(await nodeOf(cookie(first))).toBe(first.seen.node);

			const drained = nodes[addresses.indexOf(first.seen.node)] as Backend;
			await drained.close();
			const moved = await ask("http", { method: "POST", body: "x", headers: { cookie: cookie(first) } });
			expect(moved.status).toBe(200);
			expect(moved.seen.node).not.toBe(first.seen.node);
			await drained.listen();
			expect(await nodeOf(cookie(moved))).toBe(moved.seen.node);
		});
	});

	describe("forwarded headers", () => {
		const claimed = {
			host: "was.example.org:99",
			"x-forwarded-for": "203.0.113.7",
			"x-forwarded-proto": "https",
			"x-forwarded-host": "public.example.org",
			"x-forwarded-port": "1",
			"x-forwarded-prefix": "/evil",
			forwarded: "for=203.0.113.7;host=evil",
		};
		const none = { "x-forwarded-port": undefined, "x-forwarded-prefix": undefined, forwarded: undefined };
		const own = { ...none, "x-forwarded-proto": "http", "x-forwarded-host": "was.example.org:99" };

		test("of a client are replaced by what NGINX sees", async () => {
			await start({});
			const { seen } = await ask("http", { headers: claimed });
			for (const [name, value] of Object.entries({ ...own, "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" })) {
				expect(seen.headers[name], name).toBe(value);
			}
		});

		test("of a trusted proxy are believed, those of others are not", async () => {
			await start({ trustedProxies: ["127.0.0.9", "10.0.0.0/8"] });
			const believed = await ask("http", { headers: claimed, localAddress: "127.0.0.9" });
			const expected = {
				...none,
				"x-forwarded-for": "203.0.113.7, 127.0.0.9",
				"x-real-ip": "203.0.113.7",
				"x-forwarded-proto": "https",
				"x-forwarded-host": "public.example.org",
			};
			for (const [name, value] of Object.entries(expected)) expect(believed.seen.headers[name], name).toBe(value);
			const other = await ask("http", { headers: claimed, localAddress: "127.0.0.8" });
			for (const [name, value] of Object.entries({ ...own, "x-forwarded-for": "127.0.0.8", "x-real-ip": "127.0.0.8" })) {
				expect(other.seen.headers[name], name).toBe(value);
			}
			const silent = await ask("http", { localAddress: "127.0.0.9" });
			expect(silent.seen.headers).toMatchObject({ "x-forwarded-for": "127.0.0.9", "x-forwarded-proto": "http" });
		});

		test("say https behind TLS", async () => {
			await start({ tls: given });
			const { seen } = await ask("https", { headers: { host: "was.example.org" } });
			expect(seen.headers).toMatchObject({ "x-forwarded-proto": "https", "x-forwarded-host": "was.example.org", host: "was.example.org" });
		});
	});

	test("a body over clientMaxBodyMiB is refused, one below arrives, with and without buffering", async () => {
		for (const requestBuffering of [true, false]) {
			await start({ clientMaxBodyMiB: 1, requestBuffering });
			expect((await ask("http", { method: "POST", body: "x".repeat(900_000) })).status).toBe(200);
			expect((await ask("http", { method: "POST", body: "x".repeat(2_000_000) })).status).toBe(413);
			if (requestBuffering) await nginx.stop();
		}
	});
});
