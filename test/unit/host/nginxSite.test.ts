import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { siteStep } from "../../../components/balancer/nginx/steps.ts";
import { methodSince, requirements } from "../../../components/balancer/nginx/upstream.ts";
import { methods } from "../../../config/sections/nginx.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep, undoStep } from "../../support/step.ts";
import { topology } from "../fixtures.ts";

/* A file of NGINX is put into effect on a host whose NGINX runs with another one. */

const file = "/etc/nginx/conf.d/own.conf";
let host: StandInHost;
eachOnHost((fresh) => {
	host = fresh;
	write(file, "old");
});

const at = (name: string) => path.join(host.root, name);
const write = (name: string, text: string) => {
	fs.mkdirSync(path.dirname(at(name)), { recursive: true });
	fs.writeFileSync(at(name), text);
};
const read = (name: string) => (fs.existsSync(at(name)) ? fs.readFileSync(at(name), "utf8") : undefined);

/** NGINX as it works: a test keeps what is live meanwhile and what it is tested in the place of it, and a reload makes other workers. */
const nginx = (version: string) => `
export workers=1
dpkg() { /usr/bin/dpkg "$@"; }
unshare() { shift; "$@"; }
mount() { cp "$2/own.conf" "$ROOT/.tested"; }
nginx() { if [ "$1" = -v ]; then echo "nginx version: nginx/${version}" >&2; else said nginx "$@"; [ ! -e "$ROOT${file}" ] || cp "$ROOT${file}" "$ROOT/.meanwhile"; fi; }
systemctl() { said systemctl "$@"; [ "$1" != reload ] || workers=$((workers + 1)); }
pgrep() { echo "$workers"; }
journalctl() { echo "bind() to 0.0.0.0:80 failed"; }
export -f dpkg unshare mount nginx systemctl pgrep journalctl`;

/** @param otherwise what the host's programs do instead */
function put(change: object = {}, { version = "1.24.0", otherwise = "", content = "new\n" } = {}) {
	const needed = requirements(topology((config) => Object.assign(config.nginx, change)).nginx);
	const { status, stderr } = runStep(host, siteStep({ path: file, content, requirements: needed }), nginx(version) + otherwise);
	return { status, lines: stderr.split("\n") };
}

const refuses = `
nginx() { if [ "$1" = -v ]; then echo nginx/1.24.0; else echo 'nginx: [emerg] unknown directive "nwe"' >&2; return 1; fi; }`;

const reloads = () => host.calls("systemctl").filter(([, act]) => act === "reload").length;

describe("what only a newer NGINX has", () => {
	test.each(methods)("is refused by an older one, and by no other: method %s", (method) => {
		const change = { method, ...(method === "hash" && { hashKey: "$request_uri" }) };
		const since = methodSince[method];
		expect(put(change, { version: "0.8.0" }).status).toBe(since === "0.0.0" ? 0 : 1);
		expect(put(change, { version: since })).toEqual({ status: 0, lines: [""] });
		expect(read(file)).toBe("new\n");
	});

	test.each([
		[
			{ method: "least_time" },
			"nginx.method = least_time: needs NGINX 1.31.0, the host has 1.24.0: choose another method, or install a newer NGINX",
		],
		[
			{ sticky: { cookie: "node" } },
			"nginx.sticky: needs NGINX 1.29.6, the host has 1.24.0: use method hash or ip_hash, or install a newer NGINX",
		],
	])("is refused by name, version and remedy, and nothing is touched: %j", (change, refusal) => {
		expect(put(change)).toEqual({ status: 1, lines: [refusal, ""] });
		expect([read(file), reloads()]).toEqual(["old", 0]);
	});
});

describe("a file of NGINX", () => {
	test("becomes live only after nginx -t on the new one, with the lines for this version", () => {
		const content = "both\nolder # nginx lt 1.24.0\nthis # nginx ge 1.24.0\n";
		expect(put({}, { content })).toEqual({ status: 0, lines: [""] });
		const wanted = "both\nthis # nginx ge 1.24.0\n";
		expect([".meanwhile", ".tested", file].map(read)).toEqual(["old", wanted, wanted]);
		expect([host.calls("nginx"), reloads()]).toEqual([[["nginx", "-t"]], 1]);
	});

	test("that nginx -t refuses leaves the live one as it was, and its words come after the reason", () => {
		write("/etc/nginx/conf.d/other.conf", "");
		expect(put({}, { otherwise: refuses })).toEqual({
			status: 1,
			lines: [
				"NGINX refuses the configuration; the old one stays in effect:",
				'nginx: [emerg] unknown directive "nwe"',
				"these are there beside it, made by other means; nginx.adopt takes over what it names:",
				at("/etc/nginx/conf.d/other.conf"),
				"",
			],
		});
		expect([read(file), reloads()]).toEqual(["old", 0]);
		expect(fs.readdirSync(at("etc/nginx")).sort()).toEqual(["conf.d", "sites-enabled"]);
	});

	const start = `if [ "$1" = is-active ]; then return 3; fi; if [ "$1" = enable ]; then return 1; fi;`;
	test.each([
		["whose reload changes no workers: its port is taken", "", "old", 2],
		["whose reload fails", 'if [ "$1" = reload ]; then return 1; fi;', "old", 2],
		["with which NGINX does not start", start, "old", 1],
		["with which NGINX does not start, the first one", start, undefined, 0],
	])("%s is taken back, and the words of NGINX come after the reason", (_what, does, before, times) => {
		if (!before) fs.rmSync(at(file));
		write("/var/log/nginx/error.log", "[emerg] still could not bind()\n");
		const { status, lines } = put({}, { otherwise: `\nsystemctl() { said systemctl "$@"; ${does} }` });
		expect([status, ...lines.slice(0, 3)]).toEqual([
			1,
			"NGINX does not run with the new configuration; the old one stays in effect:",
			"bind() to 0.0.0.0:80 failed",
			"[emerg] still could not bind()",
		]);
		// The old one is read again, where NGINX may have begun with the new one.
		expect([read(file), reloads()]).toEqual([before, times]);
		expect(fs.readdirSync(at("etc/nginx")).sort()).toEqual(["conf.d", "sites-enabled"]);
	});

	test("in effect has its flag, and no other certificate beside its own; taken back, neither file nor flag is there", () => {
		const [directory, certificate] = ["/etc/nginx/own.https", "/etc/nginx/own-tls/new.pem"];
		const mark = `${directory}/was.example.org`;
		for (const name of ["old", "new"]) write(`/etc/nginx/own-tls/${name}.pem`, "");
		write(`${directory}/former.example.org`, "");
		const step = siteStep({ path: file, content: "new\n", flags: { directory, names: ["was.example.org", "-.example.org"] }, certificate });
		expect(runStep(host, step, nginx("1.24.0") + refuses).status).toBe(1);
		expect([read(mark), fs.readdirSync(at("etc/nginx/own-tls"))]).toEqual([undefined, ["new.pem", "old.pem"]]);
		expect(runStep(host, step, nginx("1.24.0")).status).toBe(0);
		expect([read(mark), fs.readdirSync(at("etc/nginx/own-tls"))]).toEqual(["", ["new.pem"]]);
		expect(undoStep(host, step, nginx("1.24.0"))).toMatchObject({ status: 0, stderr: "" });
		expect([read(file), read(mark), reloads()]).toEqual([undefined, undefined, 2]);
	});
});
