import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { putBack, stageAdoption, takeOut } from "../../../components/nginxAdoption.ts";
import { httpConfig } from "../../../components/nginxConfig.ts";
import { type Raw, topology } from "../fixtures.ts";

// The parts of the script run here as they are, with another /etc.
let root: string;
const at = (name: string) => path.join(root, name);
const ls = (name: string) => (fs.existsSync(at(name)) ? fs.readdirSync(at(name)).sort() : undefined);

beforeEach(() => {
	root = fs.mkdtempSync(path.join(os.tmpdir(), "nginx-adoption-"));
	for (const directory of ["conf.d", "sites-available", "sites-enabled", "staged/conf.d"]) fs.mkdirSync(at(directory), { recursive: true });
});

afterEach(() => fs.rmSync(root, { recursive: true }));

const adoption = (...files: string[]) => ({ files: files.map((file) => `/etc/nginx/${file}`), kept: "/etc/nginx/own.adopted" });

/** What the stack makes of the configuration. */
function ours(change: Raw = {}): string {
	const { nginx } = topology((config) => Object.assign(config.nginx, change));
	const servers = ["192.168.2.137", "192.168.2.142", "192.168.3.5"].map((address) => ({ name: address, address }));
	const paths = { maintenance: "/f", httpsUp: "/u", challenges: "/c", certificate: "", key: "" };
	return httpConfig({ nginx, port: 8080, servers, httpsPort: 443, paths });
}

function run(parts: string, wanted = ours()) {
	fs.writeFileSync(at("staged/new"), wanted);
	fs.cpSync(at("conf.d"), at("staged/conf.d"), { recursive: true });
	const script = `staged=${root}/staged\n${parts}`.replaceAll("/etc/nginx", root);
	const { status, stderr } = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", script], { encoding: "utf8" });
	return { status, stderr: stderr.replaceAll(root, "") };
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
	test("when all that it says the configuration says, too; and is put back when NGINX does not come up", () => {
		write("conf.d/was.conf", byHand);
		write("conf.d/other.conf", "map $a $b { default 1; }\n");
		const { files, kept } = adoption("conf.d/was.conf");
		expect(run(`${stageAdoption({ files, kept })}\n${takeOut({ files, kept })}`)).toEqual({ status: 0, stderr: "" });
		expect(ls("staged/conf.d")).toEqual(["other.conf"]);
		expect(ls("conf.d")).toEqual(["other.conf"]);
		expect(fs.readFileSync(at("own.adopted/conf.d/was.conf"), "utf8")).toBe(byHand);
		expect(run(`adopted=(/etc/nginx/conf.d/was.conf)\n${putBack({ files, kept })}`).status).toBe(0);
		expect(ls("conf.d")).toEqual(["other.conf", "was.conf"]);
	});

	test("as a link in sites-enabled: the file that it leads to stays where it is", () => {
		write("sites-available/was", byHand);
		fs.symlinkSync("../sites-available/was", at("sites-enabled/was"));
		const { files, kept } = adoption("sites-enabled/was");
		expect(run(`${stageAdoption({ files, kept })}\n${takeOut({ files, kept })}`)).toEqual({ status: 0, stderr: "" });
		expect([ls("staged/sites-enabled"), ls("sites-enabled"), ls("sites-available")]).toEqual([[], [], ["was"]]);
	});

	test("once: what is not there any more is nothing to do", () => {
		const { files, kept } = adoption("conf.d/was.conf");
		expect(run(`${stageAdoption({ files, kept })}\n${takeOut({ files, kept })}\n${putBack({ files, kept })}`)).toEqual({
			status: 0,
			stderr: "",
		});
		expect(ls("own.adopted")).toBeUndefined();
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
		["a name", "location / {", "location / {", ["server_name babble.example.org"], { serverName: "was.example.org" }],
	];
	test.each(cases)("%s", (_what, from, to, lines, wanted) => {
		const text = byHand.replace(from, to);
		write("conf.d/was.conf", text);
		const { status, stderr } = run(stageAdoption(adoption("conf.d/was.conf")), ours(wanted));
		expect(status).toBe(1);
		expect(stderr).toBe(
			[
				"nginx.adopt: these say what the configuration does not, and it would be lost:",
				...lines.map((line) => `  /conf.d/was.conf: ${line}`),
				"configure it (nginx.*), or take it out of the file first; a site of HTTPS cannot be taken over\n",
			].join("\n"),
		);
		expect(fs.readFileSync(at("conf.d/was.conf"), "utf8")).toBe(text);
		expect(ls("staged/conf.d")).toEqual(["was.conf"]);
	});

	test("but not when it is configured", () => {
		write("conf.d/was.conf", byHand.replace("least_conn;", "ip_hash;").replace("location / {", "client_max_body_size 50m; location / {"));
		expect(run(stageAdoption(adoption("conf.d/was.conf")), ours({ method: "ip_hash", clientMaxBodyMiB: 50 })).stderr).toBe("");
	});
});
