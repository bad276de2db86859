import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { methodSince, nginxConfig } from "../../../components/nginxConfig.ts";
import type { Method } from "../../../config/schema.ts";
import { methods } from "../../../config/sections/nginx.ts";
import { type Raw, topology } from "../fixtures.ts";

const servers = [
	{ name: "manager", address: "192.168.2.137" },
	{ name: "worker1", address: "192.168.2.142" },
	{ name: "worker2", address: "192.168.3.5" },
];
const flag = "/etc/nginx/scaleout-nginx.maintenance";
const nginxWith = (change: Raw) => topology((config) => Object.assign(config.nginx, change)).nginx;
const render = (change: Raw, to = servers) => nginxConfig(nginxWith(change), 8080, to, flag);
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
		expect(upstream(render({ maxFails: 1, failTimeoutSeconds: 10 }))).toEqual([
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
		const found = upstream(render({ method, ...keyOf(method) }));
		expect(found.slice(0, lines.length)).toEqual(lines);
		expect(found.slice(lines.length).every((line) => line.startsWith("server "))).toBe(true);
		expect(found).toHaveLength(lines.length + 3);
	});

	test("there is a version for each method", () => {
		expect(Object.keys(methodSince).sort()).toEqual([...methods].sort());
	});

	test("a weight is on its node's server only, and the default weight is not written", () => {
		const lines = upstream(render({ weights: { worker1: 5, worker2: 1 } })).filter((line) => line.includes("weight"));
		expect(lines).toEqual(["server 192.168.2.142:8080 weight=5 max_fails=1 fail_timeout=1s;"]);
	});

	test("its name is used by proxy_pass", () => {
		const text = render({ upstream: "was" });
		expect(upstream(text, "was")).toHaveLength(4);
		expect(text).toContain("proxy_pass http://was;");
	});

	test("every server appears exactly once, whatever the method and the weights", () => {
		const nodes = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.ipV4()), { minLength: 1, selector: ([name]) => name });
		const options = fc.record({ method: fc.constantFrom(...methods), weight: fc.integer({ min: 1, max: 1000 }) });
		const holds = (found: [string, string][], { method, weight }: { method: Method; weight: number }) => {
			const to = found.map(([name, address]) => ({ name, address }));
			const nginx = { ...nginxWith({ method, ...keyOf(method) }), weights: { [to[0]?.name as string]: weight } };
			const lines = upstream(nginxConfig(nginx, 8080, to, flag)).filter((line) => line.startsWith("server "));
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
		[{ serverName: "was.example.org" }, "listen 80;"],
	])("%j: %s", (change, line) => {
		expect(render(change)).toContain(`    ${line}\n`);
	});

	test("a request that reached the application is not sent to another node", () => {
		expect(render({})).toMatch(/^ *proxy_next_upstream error timeout;$/m);
	});

	test("keeps no connection to a node open", () => {
		expect(render({})).not.toMatch(/^ *keepalive/m);
		expect(render({})).toMatch(/map \$http_upgrade \$connection_upgrade \{[^}]*''\s+'';/);
	});

	test("timeouts and body size are the configured ones", () => {
		const text = render({ connectTimeoutSeconds: 3, readTimeoutSeconds: 90, clientMaxBodyMiB: 25 });
		for (const line of ["proxy_connect_timeout 3s;", "proxy_read_timeout 90s;", "proxy_send_timeout 90s;", "client_max_body_size 25m;"]) {
			expect(text).toContain(line);
		}
	});

	test("maintenance is looked up at each request, and says when to come back", () => {
		const text = render({ retryAfterSeconds: 30 });
		expect(text).toContain(`if (-f ${flag}) {\n        return 503;`);
		expect(text).toContain("add_header Retry-After 30 always;");
	});

	test("its file is the same in maintenance and out of it: no reload cuts a connection", () => {
		expect(render({ maintenance: true })).toBe(render({ maintenance: false }));
	});
});

const version = /nginx\/([\d.]+)/.exec(spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr ?? "")?.[1];
const knows = (method: Method) => version !== undefined && version.localeCompare(methodSince[method], undefined, { numeric: true }) >= 0;

describe("nginx -t accepts the file", () => {
	test.for(methods)("with method %s", (method, context) => {
		context.skip(!version, "there is no nginx program on this machine");
		context.skip(!knows(method), `nginx ${version} is older than ${methodSince[method]}`);
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-nginx-"));
		const file = path.join(directory, "nginx.conf");
		// Testing binds the port: a free one, and only on the loopback interface.
		const text = render({ method, ...keyOf(method), bind: "127.0.0.1", listen: 18439, weights: { worker1: 2 } });
		const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
			.map((kind) => `${kind}_temp_path ${directory}/${kind};`)
			.join("\n");
		fs.writeFileSync(file, `pid ${directory}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${text}}\n`);
		const { status, stderr } = spawnSync("nginx", ["-t", "-q", "-p", directory, "-c", file], { encoding: "utf8" });
		fs.rmSync(directory, { recursive: true });
		expect(stderr).not.toContain("[emerg]");
		expect(status).toBe(0);
	});
});
