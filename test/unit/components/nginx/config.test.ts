import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { httpConfig, httpsConfig, type NginxFiles } from "../../../../components/balancer/nginx/config.ts";
import { methodSince, requirements } from "../../../../components/balancer/nginx/upstream.ts";
import type { Topology } from "../../../../config/schema.ts";
import { methods } from "../../../../config/sections/nginx.ts";
import { forVersion, isAtLeast, nginxVersion, testNginx } from "../../../support/nginx.ts";
import { type Raw, topology } from "../../fixtures.ts";
import { frontOf } from "./front.ts";

const servers = [
	{ name: "manager", address: "192.168.2.137" },
	{ name: "worker1", address: "192.168.2.142" },
	{ name: "worker2", address: "192.168.3.5" },
];
type Method = Topology["nginx"]["method"];
const flag = "/etc/nginx/scaleout-nginx.maintenance";
const nginxWith = (change: Raw) => topology((config) => Object.assign(config.nginx, change)).nginx;
const paths = {
	maintenance: flag,
	httpsUp: "/etc/nginx/up",
	challenges: "/var/www/acme",
	certificate: "/tls/site.pem",
	key: "/tls/site.key",
};
const siteWith = (nginx: Topology["nginx"], to = servers): NginxFiles => frontOf(nginx, to, { paths });
/** The HTTP file, as a host with this version of NGINX has it. */
const render = (change: Raw, version = "1.22.1") => forVersion(httpConfig(siteWith(nginxWith(change))), version);
/** A certificate from files, which the rendering does not look at. */
const tls = { certificateFile: "c", keyFile: "k" };
const acme = { email: "ops@example.org", agreeTos: true };
const renderHttps = (change: Raw, version = "1.22.1") => forVersion(httpsConfig(siteWith(nginxWith({ tls, ...change }))), version);
const keyOf = (method: Method) => (method === "hash" ? { hashKey: "$request_uri" } : {});

/** The directives of the upstream block, in order. */
function upstream(text: string, name = "app"): string[] {
	const block = new RegExp(`^upstream ${name} \\{\\n([^}]*)\\}`, "m").exec(text)?.[1] ?? "";
	return block
		.split("\n")
		.map((line) => line.replace(/ # .*/, "").trim())
		.filter(Boolean);
}

describe("the upstream", () => {
	test("of the source system: least_conn and its three nodes", () => {
		expect(upstream(render({ maxFails: 1, failTimeoutSeconds: 10, keepalive: 0 }))).toEqual([
			"least_conn;",
			"server 192.168.2.137:8080 max_fails=1 fail_timeout=10s;",
			"server 192.168.2.142:8080 max_fails=1 fail_timeout=10s;",
			"server 192.168.3.5:8080 max_fails=1 fail_timeout=10s;",
		]);
	});

	test.each<[Method, string[]]>([
		["round_robin", []],
		["least_conn", ["least_conn;"]],
		["ip_hash", ["ip_hash;"]],
		["hash", ["hash $request_uri consistent;"]],
		["random", ["random;"]],
		["least_time", ["least_time header;"]],
	])("method %s says %j before any server", (method, lines) => {
		const found = upstream(render({ method, ...keyOf(method), keepalive: 0 }));
		expect(found.slice(0, lines.length)).toEqual(lines);
		expect(found.slice(lines.length).every((line) => line.startsWith("server "))).toBe(true);
		expect(found).toHaveLength(lines.length + 3);
	});

	test("there is a version for each method", () => {
		expect(Object.keys(methodSince).sort()).toEqual([...methods].sort());
	});

	test("a weight is on its node's server only, and the default weight is not written", () => {
		const lines = upstream(render({ weights: { worker1: 5, worker2: 1 } })).filter((line) => line.includes("weight"));
		expect(lines).toEqual(["server 192.168.2.142:8080 weight=5 max_fails=5 fail_timeout=1s;"]);
	});

	test("every server appears exactly once, whatever the method and the weights", () => {
		const nodes = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.ipV4()), { minLength: 1, selector: ([name]) => name });
		const options = fc.record({ method: fc.constantFrom(...methods), weight: fc.integer({ min: 1, max: 1000 }) });
		const holds = (found: [string, string][], { method, weight }: { method: Method; weight: number }) => {
			const to = found.map(([name, address]) => ({ name, address }));
			const nginx = { ...nginxWith({ method, ...keyOf(method) }), weights: { [to[0]?.name as string]: weight } };
			const lines = upstream(httpConfig(siteWith(nginx, to))).filter((line) => line.startsWith("server "));
			expect(lines.map((line) => line.split(" ")[1])).toEqual(to.map(({ address }) => `${address}:8080`));
		};
		fc.assert(fc.property(nodes, options, holds), { numRuns: 50 });
	});
});

describe("the server", () => {
	test.each([
		[{}, "listen 80 default_server;"],
		[{ listen: 8081 }, "listen 8081 default_server;"],
		[{ bind: "192.168.1.10" }, "listen 192.168.1.10:80 default_server;"],
		[{ bind: "fd00::1", listen: 81 }, "listen [fd00::1]:81 default_server;"],
		[{ sites: [{ serverName: "was.example.org" }] }, "listen 80;"],
	])("%j: %s", (change, line) => {
		expect(render(change)).toContain(`    ${line}\n`);
	});

	test("passes on by itself for a moment only, and then by way of what was sent", () => {
		const text = render({});
		expect(text).toMatch(/^ *proxy_next_upstream error timeout;\n *proxy_next_upstream_timeout 50ms;$/m);
		expect(text).toMatch(/^ *error_page 502 504 = @app_next;$/m);
		expect(text).toContain(String.raw`"~[|, ]192\.168\.3\.5:8080$" 192.168.2.137:8080;`);
	});

	test.each([
		[1, 2500],
		[2, 2500],
		[3, 4500],
		[9, 4500],
	])("without requestBuffering, of %d servers, it passes on for %d ms: as long as two that do not answer take", (count, ms) => {
		const to = Array.from({ length: count }, (_, i) => ({ name: `n${i}`, address: `10.0.0.${i}` }));
		const text = httpConfig(siteWith(nginxWith({ requestBuffering: false }), to));
		expect(text).toContain(`proxy_next_upstream_timeout ${ms}ms;`);
		expect(text).not.toContain("app_next");
	});

	test.each<[Raw, string, string[]]>([
		[{}, "1.19.9", []],
		[{}, "1.19.10", ["keepalive 64;", "keepalive_time 2s;", "keepalive_timeout 1s;"]],
		[{ keepalive: 8 }, "1.31.5", ["keepalive 8;", "keepalive_time 2s;", "keepalive_timeout 1s;"]],
		[{ keepalive: 0 }, "1.29.6", []],
		// On by default from this version on; an older one does not know 0.
		[{ keepalive: 0 }, "1.29.7", ["keepalive 0;"]],
	])("keeps connections to the nodes, and only where they end by themselves: %j with NGINX %s: %j", (change, version, lines) => {
		expect(upstream(render(change, version)).slice(4)).toEqual(lines);
	});

	test("timeouts and body size are the configured ones", () => {
		const text = render({ connectTimeoutSeconds: 3, readTimeoutSeconds: 90, clientMaxBodyMiB: 25 });
		for (const line of ["proxy_connect_timeout 3s;", "proxy_read_timeout 90s;", "proxy_send_timeout 90s;", "client_max_body_size 25m;"]) {
			expect(text).toContain(line);
		}
	});

	test("maintenance is looked up at each request, and says when to come back", () => {
		const text = render({ retryAfterSeconds: 30 });
		expect(text).toContain(`if (-f ${flag}) {\n            return 503;`);
		expect(text).toContain("add_header Retry-After 30 always;");
	});

	test("its file is the same in maintenance and out of it: no reload cuts a connection", () => {
		expect(render({ maintenance: true })).toBe(render({ maintenance: false }));
	});
});

describe("forwarded headers", () => {
	const headers = (text: string) =>
		Object.fromEntries([...text.matchAll(/proxy_set_header (X-Forwarded-\w+|Forwarded) (.*);/g)].map(([, name, value]) => [name, value]));

	test("say what NGINX sees, and nothing that a client claims", () => {
		expect(headers(render({}))).toEqual({
			"X-Forwarded-For": "$remote_addr",
			"X-Forwarded-Proto": "$scheme",
			"X-Forwarded-Host": "$http_host",
			"X-Forwarded-Port": '""',
			"X-Forwarded-Prefix": '""',
			Forwarded: '""',
		});
		expect(render({})).not.toContain("set_real_ip_from");
	});

	test("believe the trusted proxies, in both servers, and find the client behind them", () => {
		const change = { trustedProxies: ["10.0.0.0/8", "fd00::1"] };
		for (const text of [render(change), renderHttps(change)]) {
			expect(text).toContain("set_real_ip_from 10.0.0.0/8;\n    set_real_ip_from fd00::1;\n    real_ip_header X-Forwarded-For;");
			expect(headers(text)).toMatchObject({
				"X-Forwarded-For": expect.stringMatching(/^\$to_app(_tls)?_for$/),
				"X-Forwarded-Proto": expect.stringMatching(/^\$to_app(_tls)?_proto$/),
			});
		}
		expect(render(change)).toContain("geo $realip_remote_addr $to_app_from {\n    default 0;\n    10.0.0.0/8 1;\n    fd00::1 1;\n}");
	});
});

describe("clients stay on their node", () => {
	test.each<[Raw, string[]]>([
		[{ method: "hash", hashKey: "$cookie_JSESSIONID" }, ["hash $cookie_JSESSIONID consistent;"]],
		[{ method: "hash", hashKey: "$remote_addr" }, ["hash $remote_addr consistent;"]],
		[{ sticky: { cookie: "node" } }, ["least_conn;", "sticky cookie node path=/ httponly samesite=lax;"]],
		[
			{ method: "round_robin", sticky: { cookie: "node", expiresSeconds: 3600 } },
			["sticky cookie node expires=3600s path=/ httponly samesite=lax;"],
		],
		[{ sticky: { cookie: "node" }, tls }, ["least_conn;", "sticky cookie node path=/ httponly samesite=lax secure;"]],
		[{ sticky: { cookie: "node" }, tls: { ...tls, redirect: false } }, ["least_conn;", "sticky cookie node path=/ httponly samesite=lax;"]],
	])("%j: %j", (change, lines) => {
		expect(upstream(render(change)).slice(0, lines.length)).toEqual(lines);
	});

	test("by a cookie of NGINX only where its version can", () => {
		expect(requirements(nginxWith({ sticky: { cookie: "node" } }))).toContainEqual(
			expect.objectContaining({ setting: "nginx.sticky", since: "1.29.6" }),
		);
		expect(requirements(nginxWith({})).map(({ setting }) => setting)).toEqual(["nginx.method = least_conn"]);
	});
});

describe("HTTPS", () => {
	test.each<[Raw, string, string[]]>([
		[{}, "1.22.1", ["listen 443 ssl http2 default_server; # nginx lt 1.25.1"]],
		[{}, "1.25.0", ["listen 443 ssl http2 default_server; # nginx lt 1.25.1"]],
		[{}, "1.25.1", ["listen 443 ssl default_server; # nginx ge 1.25.1", "http2 on; # nginx ge 1.25.1"]],
		[{}, "1.31.5", ["listen 443 ssl default_server; # nginx ge 1.25.1", "http2 on; # nginx ge 1.25.1"]],
		[
			{ bind: "fd00::1", tls: { ...tls, httpsPort: 8443 }, sites: [{ serverName: "a.b" }] },
			"1.22.1",
			["listen [fd00::1]:8443 ssl http2; # nginx lt 1.25.1"],
		],
	])("%j with NGINX %s: %j", (change, version, lines) => {
		const found = renderHttps(change, version).match(/^ *(listen|http2) .*$/gm);
		expect(found?.map((line) => line.trim())).toEqual(lines);
	});

	test.each([
		["TLSv1.2", "TLSv1.2 TLSv1.3"],
		["TLSv1.3", "TLSv1.3"],
	])("from %s on: %s", (minVersion, versions) => {
		expect(renderHttps({ tls: { ...tls, minVersion } })).toContain(`ssl_protocols ${versions};`);
	});

	test("has forward secrecy with every suite, a session cache and no tickets", () => {
		const text = renderHttps({});
		const suites = /ssl_ciphers (.*);/.exec(text)?.[1]?.split(":") ?? [];
		expect(suites).toHaveLength(6);
		for (const suite of suites) expect(suite).toMatch(/^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)$/);
		expect(text).toContain("ssl_session_cache shared:to_app_tls:10m;");
		expect(text).toContain("ssl_session_tickets off;");
	});

	test("asks browsers to stay only when told to, and then in the 503 as well", () => {
		expect(renderHttps({})).not.toContain("Strict-Transport-Security");
		const header = 'add_header Strict-Transport-Security "max-age=300" always;';
		expect(renderHttps({ tls: { ...tls, hstsSeconds: 300 } }).split(header)).toHaveLength(3);
	});

	test("HTTP leads there once it is up, and serves as before until then", () => {
		const text = render({ tls });
		expect(text).toMatch(
			/if \(-f \/etc\/nginx\/up\/_\) \{\s+return 308 https:\/\/\$host\$request_uri;\s+\}\s[^}]+proxy_pass http:\/\/app;/,
		);
		expect(render({ tls: { ...tls, redirect: false } })).not.toContain("return 308");
		expect(render({})).not.toContain("return 308");
	});

	test("HTTP leads to the port that clients know", () => {
		expect(httpConfig({ ...siteWith(nginxWith({ tls })), httpsPort: 8443 })).toContain("return 308 https://$host:8443$request_uri;");
	});

	test("challenges of ACME stand before redirect and maintenance, and only with ACME", () => {
		const text = render({
			sites: [{ serverName: "was.example.org" }],
			tls: { acme: { ...acme, domains: ["was.example.org", "www.example.org"] } },
		});
		expect(text).toContain("location ^~ /.well-known/acme-challenge/ {\n        root /var/www/acme;");
		expect(text).toContain("server_name was.example.org www.example.org;");
		expect(text.indexOf("acme-challenge")).toBeLessThan(text.indexOf("return 308"));
		expect(text, "a condition of the server would come first").not.toMatch(/^ {4}if /m);
		expect(render({ tls })).not.toContain("acme-challenge");
	});
});

describe("nginx -t accepts the file", () => {
	// Testing binds the ports: free ones, and only on the loopback interface.
	const here = { bind: "127.0.0.1", listen: 18439, weights: { worker1: 2 } };
	const accepted = (text: string) => {
		const { status, stderr } = testNginx(forVersion(text, nginxVersion as string));
		expect(stderr).not.toMatch(/\[(emerg|warn)\]/);
		expect(status).toBe(0);
	};

	test.for(methods)("with method %s", (method, context) => {
		context.skip(!nginxVersion, "there is no nginx program on this machine");
		context.skip(!isAtLeast(methodSince[method]), `nginx ${nginxVersion} is older than ${methodSince[method]}`);
		accepted(httpConfig(siteWith(nginxWith({ ...here, method, ...keyOf(method) }))));
	});

	// biome-ignore format: one change a row
	const changes: [string, Raw, string][] = [
		["trusted proxies", { trustedProxies: ["10.0.0.0/8", "192.168.1.1", "fd00::/8"] }, "0"],
		["no buffering", { requestBuffering: false, responseBuffering: false }, "0"],
		["a sticky cookie", { sticky: { cookie: "node", expiresSeconds: 60 } }, "1.29.6"],
		["ACME", { sites: [{ serverName: "was.example.org" }], tls: { acme } }, "0"],
	];
	test.for(changes)("with %s", ([, change, since], context) => {
		context.skip(!nginxVersion, "there is no nginx program on this machine");
		context.skip(!isAtLeast(since), `nginx ${nginxVersion} is older than ${since}`);
		accepted(httpConfig(siteWith(nginxWith({ ...here, ...change }))));
	});
});
