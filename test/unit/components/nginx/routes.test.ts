import * as path from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { httpConfig, httpsConfig, type NginxFiles } from "../../../../components/balancer/nginx/config.ts";
import { Backend } from "../../../support/backend.ts";
import { forVersion, freePorts, LocalNginx, nginxVersion } from "../../../support/nginx.ts";
import { ask } from "../../../support/tls.ts";
import { type Raw, topology } from "../../fixtures.ts";

/* Several services behind one NGINX, the real one, each with nodes that are servers of this process. */

const addresses = ["127.0.0.1", "127.0.0.2"];
const paths = { maintenance: "/m", httpsUp: "/u", challenges: "/c", certificate: "/tls.pem", key: "/tls.pem" };

function frontWith(change: Raw, sites: NginxFiles["sites"], ports: Record<string, number>): NginxFiles {
	const { sites: _sites, upstreams: _upstreams, ...nginx } = topology((all) => Object.assign(all.nginx, change)).nginx;
	const servers = addresses.map((address) => ({ name: address, address }));
	return { nginx, upstreams: Object.entries(ports).map(([name, port]) => ({ name, port, servers })), sites, httpsPort: 443, paths };
}

const sites = [
	{
		serverName: "was.example.org",
		routes: [
			{ path: "/", upstream: "was" },
			{ path: "/admin", upstream: "admin" },
			{ path: "/admin/api.v1", upstream: "was" },
		],
	},
	{ serverName: "admin.example.org", routes: [{ path: "/admin", upstream: "admin" }] },
];

describe.skipIf(!nginxVersion)(`in NGINX${nginxVersion ? ` ${nginxVersion}` : ": there is none on this machine"}`, () => {
	let ports: Record<string, number>;
	let listen: number;
	let nginx: LocalNginx;
	let nodes: { service: string; backend: Backend }[] = [];

	beforeAll(async () => {
		const [was, admin, http] = (await freePorts(3)) as [number, number, number];
		ports = { was, admin };
		listen = http;
	});
	afterEach(async () => {
		await nginx.stop();
		await Promise.all(nodes.map(({ backend }) => backend.close()));
	});

	/** @param up which nodes there are, as address and service */
	async function start(
		up = addresses.flatMap((address) => Object.keys(ports).map((service) => [address, service] as const)),
		change: Raw = {},
	) {
		nginx = new LocalNginx();
		nodes = up.map(([address, service]) => ({ service, backend: new Backend(address, ports[service] as number) }));
		await Promise.all(nodes.map(({ backend }) => backend.listen()));
		const front = frontWith({ bind: "127.0.0.1", listen, ...change }, sites, ports);
		const text = httpConfig({ ...front, paths: { ...paths, maintenance: path.join(nginx.directory, "m") } });
		await nginx.start(forVersion(text, nginxVersion as string), listen);
	}

	/** Which service answered, or the status. */
	async function answer(host: string, url: string, method = "GET"): Promise<string | number> {
		const { status, headers } = await ask(`http://127.0.0.1:${listen}`, { path: url, method, headers: { host } });
		if (!headers["x-node"]) return status;
		const served = nodes.filter(({ backend }) => backend.began.splice(0).includes(url)).map(({ service }) => service);
		return served.join(" and ");
	}

	test("a request goes where the longest path of its site leads, unchanged", async () => {
		await start();
		const found: Record<string, string | number> = {};
		for (const url of [
			"/",
			"/x?admin=1",
			"/admin",
			"/admin/",
			"/admin/users?a=b",
			"/admin;jsessionid=1",
			"/administrator",
			"/admin/api.v1/x",
			"/admin/apixv1",
		])
			found[url] = await answer("was.example.org", url);
		expect(found).toEqual({
			"/": "was",
			"/x?admin=1": "was",
			"/admin": "admin",
			"/admin/": "admin",
			"/admin/users?a=b": "admin",
			"/admin;jsessionid=1": "admin",
			"/administrator": "was",
			"/admin/api.v1/x": "was",
			"/admin/apixv1": "admin",
		});
	});

	test("what no route leads to is answered with 404, and an unknown name by the first site", async () => {
		await start();
		expect(await answer("admin.example.org", "/admin/x")).toBe("admin");
		expect(await answer("admin.example.org", "/other")).toBe(404);
		expect(await answer("unknown.example.org", "/")).toBe("was");
	});

	test.each(["GET", "POST"])("a %s that a node refuses goes to another node of the same service", async (method) => {
		await start([
			["127.0.0.2", "admin"],
			["127.0.0.1", "was"],
		]);
		for (let i = 0; i < 4; i++) {
			expect(await answer("was.example.org", `/admin/${i}`, method)).toBe("admin");
			expect(await answer("was.example.org", `/${i}`, method)).toBe("was");
		}
	});

	test("a service that has no node is none of the others' business", async () => {
		await start([["127.0.0.1", "was"]]);
		expect(await answer("was.example.org", "/admin")).toBe(502);
		expect(await answer("was.example.org", "/")).toBe("was");
	});
});

test("each of several upstreams has a cookie of its own", () => {
	const text = httpConfig(frontWith({ sticky: { cookie: "node" } }, sites, { was: 8080, admin: 8081 }));
	expect(text.match(/sticky cookie \S+/g)).toEqual(["sticky cookie node_was", "sticky cookie node_admin"]);
});

test("HTTPS has a server for each site, with the one certificate", () => {
	const text = httpsConfig(frontWith({ tls: { certificateFile: "c", keyFile: "k" } }, sites, { was: 8080, admin: 8081 }));
	expect(text.match(/server_name .*;/g)).toEqual(["server_name was.example.org;", "server_name admin.example.org;"]);
	expect(text.match(/ssl_certificate .*;/g)).toEqual(["ssl_certificate /tls.pem;", "ssl_certificate /tls.pem;"]);
});
