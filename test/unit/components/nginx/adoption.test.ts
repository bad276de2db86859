import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { httpConfig } from "../../../../components/balancer/nginx/config.ts";
import { siteStep } from "../../../../components/balancer/nginx/steps.ts";
import { eachOnHost } from "../../../support/eachHost.ts";
import type { StandInHost } from "../../../support/standInHost.ts";
import { runStep } from "../../../support/step.ts";
import { type Raw, topology } from "../../fixtures.ts";
import { frontOf } from "./front.ts";

let host: StandInHost;
const at = (name: string) => path.join(host.root, "etc/nginx", name);
const ls = (name: string) => (fs.existsSync(at(name)) ? fs.readdirSync(at(name)).sort() : undefined);

eachOnHost((fresh) => {
	host = fresh;
	fs.mkdirSync(at("sites-available"));
});

/** What the stack makes of the configuration. */
function ours(change: Raw = {}): string {
	const { nginx } = topology((config) => Object.assign(config.nginx, change));
	const servers = ["192.168.2.137", "192.168.2.142", "192.168.3.5"].map((address) => ({ name: address, address }));
	const paths = { maintenance: "/f", httpsUp: "/u", challenges: "/c", certificate: "", key: "" };
	return httpConfig(frontOf(nginx, servers, { paths }));
}

/** Keeps what NGINX would read when it is tested, as etc/nginx/tested. */
const keepTested = `unshare() { rm -rf "$ROOT/etc/nginx/tested"; cp -a "\${!#}" "$ROOT/etc/nginx/tested"; }; export -f unshare`;

/** Puts the stack's file into effect in the place of another. */
function takeOver(file: string, content = ours(), standIns = "") {
	const adoption = { files: [`/etc/nginx/${file}`], kept: "/etc/nginx/own.adopted" };
	const { status, stderr } = runStep(
		host,
		siteStep({ path: "/etc/nginx/conf.d/own.conf", content, adoption }),
		`${keepTested}\n${standIns}`,
	);
	return { status, stderr: stderr.replaceAll(host.root, "") };
}

/** The source system's file, as its people wrote it. */
const byHand = `# the WAS
map $http_upgrade $connection_upgrade {
  default upgrade;
  '' close;
}
upstream was {
  least_conn;
  server 192.168.2.137:8080; server 192.168.2.142:8080 max_fails=3;
  server 192.168.3.5:8080;   # worker2
  keepalive 16;
}

server {
  listen *:80 default_server;
  server_name babble.example.org;
  location / {
    proxy_pass http://was;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  }
}
`;
const write = (name: string, text: string) => fs.writeFileSync(at(name), text);

describe("a file of NGINX is taken over", () => {
	test("when all that it says the configuration says, too", () => {
		write("conf.d/was.conf", byHand);
		write("conf.d/other.conf", "map $a $b { default 1; }\n");
		expect(takeOver("conf.d/was.conf")).toEqual({ status: 0, stderr: "" });
		for (const directory of ["tested/conf.d", "conf.d"]) expect(ls(directory), directory).toEqual(["other.conf", "own.conf"]);
		expect(fs.readFileSync(at("own.adopted/conf.d/was.conf"), "utf8")).toBe(byHand);
	});

	test.each([
		["a reload fails", 'case "$1" in reload) return 1 ;; esac'],
		["a reload makes no new workers", ":"],
		["it does not start", 'case "$1" in is-active | enable) return 1 ;; esac'],
	])("and put back when NGINX does not come up: %s", (_how, systemctl) => {
		for (const before of [undefined, "# of the stack, before\n"]) {
			write("conf.d/was.conf", byHand);
			if (before) write("conf.d/own.conf", before);
			const { status, stderr } = takeOver("conf.d/was.conf", ours(), `systemctl() { ${systemctl}; }; export -f systemctl`);
			expect(status).toBe(1);
			expect(stderr).toMatch(/^NGINX does not run with the new configuration; the old one stays in effect:\n/);
			expect(fs.readFileSync(at("conf.d/was.conf"), "utf8")).toBe(byHand);
			expect(before ? fs.readFileSync(at("conf.d/own.conf"), "utf8") : ls("conf.d")).toEqual(before ?? ["was.conf"]);
			expect(ls("own.adopted/conf.d")).toEqual([]);
		}
	});

	test("as a link in sites-enabled: the file that it leads to stays where it is", () => {
		write("sites-available/was", byHand);
		fs.symlinkSync("../sites-available/was", at("sites-enabled/was"));
		expect(takeOver("sites-enabled/was")).toEqual({ status: 0, stderr: "" });
		expect([ls("tested/sites-enabled"), ls("sites-enabled"), ls("sites-available")]).toEqual([[], [], ["was"]]);
		expect(ls("own.adopted/sites-enabled")).toEqual(["was"]);
	});

	test("once: what is not there any more is nothing to do", () => {
		expect(takeOver("conf.d/was.conf")).toEqual({ status: 0, stderr: "" });
		expect(takeOver("conf.d/was.conf", ours(), "systemctl() { :; }; export -f systemctl").status).toBe(1);
		expect(ls("own.adopted")).toBeUndefined();
		expect(ls("conf.d")).toEqual(["own.conf"]);
	});
});

describe("what would be lost is refused, and nothing is touched", () => {
	const cases: [what: string, from: string, to: string, lines: string[], wanted?: Raw][] = [
		["another port", "listen *:80 default_server", "listen 80; listen [::]:80", ["listen [::]:80"]],
		["HTTPS", "listen *:80 default_server", "listen 443 ssl; ssl_certificate /c.pem", ["listen 443 ssl", "ssl_certificate /c.pem"]],
		["a server", "server 192.168.3.5:8080;", "server 192.168.3.6:8080 backup;", ["server 192.168.3.6:8080"]],
		["a method", "least_conn;", "ip_hash;", ["ip_hash"]],
		["a location", "location / {", "location /health { return 200; }\n location / {", ["location /health", "return 200"]],
		["a setting", "location / {", "client_max_body_size 50m;\nlocation / {", ["client_max_body_size 50m"]],
		["a timeout", "proxy_pass http://was;", "proxy_pass http://was; proxy_read_timeout 300s;", ["proxy_read_timeout 300s"]],
		["a name", "location / {", "location / {", ["server_name babble.example.org"], { sites: [{ serverName: "was.example.org" }] }],
	];
	test.each(cases)("%s", (_what, from, to, lines, wanted) => {
		const text = byHand.replace(from, to);
		write("conf.d/was.conf", text);
		const { status, stderr } = takeOver("conf.d/was.conf", ours(wanted));
		expect(status).toBe(1);
		expect(stderr).toBe(
			[
				"nginx.adopt: these say what the configuration does not, and it would be lost:",
				...lines.map((line) => `  /etc/nginx/conf.d/was.conf: ${line}`),
				"configure it (nginx.*), or take it out of the file first; a site of HTTPS cannot be taken over\n",
			].join("\n"),
		);
		expect(fs.readFileSync(at("conf.d/was.conf"), "utf8")).toBe(text);
		expect([ls("conf.d"), ls("tested")]).toEqual([["was.conf"], undefined]);
	});

	test("but not when it is configured", () => {
		write("conf.d/was.conf", byHand.replace("least_conn;", "ip_hash;").replace("location / {", "client_max_body_size 50m; location / {"));
		expect(takeOver("conf.d/was.conf", ours({ method: "ip_hash", clientMaxBodyMiB: 50 }))).toEqual({ status: 0, stderr: "" });
	});
});
