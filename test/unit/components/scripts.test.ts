import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { agentScript, removeScript } from "../../../components/drainAgent.ts";
import { requirements } from "../../../components/nginxConfig.ts";
import { acmeScript, applyScript } from "../../../components/nginxScripts.ts";
import { installScript } from "../../../components/packages.ts";
import { methods } from "../../../config/sections/nginx.ts";
import { asRoot } from "../../../lib/connection.ts";
import { ScratchHost } from "../../support/scratchHost.ts";
import { syntaxFault, topology } from "../fixtures.ts";

/* Scripts that need a host to run. Here: bash can read them, and they say what they must. */

const neededFor = (change: object) => requirements(topology((config) => Object.assign(config.nginx, change)).nginx);

describe("the script that puts an NGINX file into effect", () => {
	test.each(methods)("is bash: method %s", (method) => {
		expect(
			syntaxFault(
				applyScript("/etc/nginx/conf.d/scaleout-nginx.conf", neededFor({ method, ...(method === "hash" && { hashKey: "$request_uri" }) })),
			),
		).toBe("");
	});

	test("a method that the host's NGINX does not know is refused by name, version and remedy", () => {
		const script = applyScript("/f", neededFor({ method: "least_time", sticky: { cookie: "node" } }));
		expect(script).toContain('dpkg --compare-versions "$version" lt 1.31.0');
		expect(script).toContain("nginx.method = least_time: needs NGINX 1.31.0, the host has $version: choose another method");
		expect(script).toContain("nginx.sticky: needs NGINX 1.29.6, the host has $version: use method hash or ip_hash");
	});

	test("the live file is replaced only after nginx -t on the staged one", () => {
		const lines = applyScript("/f", neededFor({ method: "random" })).split("\n");
		const tested = lines.findIndex((line) => line.includes("nginx -t"));
		const swapped = lines.findIndex((line) => line.startsWith('mv "$staged/new"'));
		expect(tested).toBeGreaterThan(0);
		expect(swapped).toBeGreaterThan(tested);
	});
});

describe("the script that gets a certificate by ACME", () => {
	const paths = {
		name: "own",
		challenges: "/var/www/own",
		caBundle: "/etc/letsencrypt/own-ca.pem",
		dropIn: "/etc/systemd/system/d/own.conf",
	};
	const scriptWith = (change: object) => {
		const acme = { email: "o'ps@example.org", agreeTos: true, ...change };
		const { nginx } = topology((config) => Object.assign(config.nginx, { serverName: "was.example.org", tls: { acme } }));
		return acmeScript(nginx, nginx.tls?.acme as NonNullable<NonNullable<typeof nginx.tls>["acme"]>, paths);
	};

	test("is bash, with the address of the account quoted", () => {
		expect(syntaxFault(scriptWith({}))).toBe("");
		expect(scriptWith({})).toContain(`--email='o'\\''ps@example.org'`);
	});

	test("asks for every name, once, and agrees to a change of names", () => {
		const script = scriptWith({ domains: ["was.example.org", "www.example.org"] });
		expect(script.match(/--domain \S+/g)).toEqual(["--domain was.example.org", "--domain www.example.org"]);
		expect(script).toContain("--keep-until-expiring --renew-with-new-domains");
	});

	test("goes to the server that is configured", () => {
		expect(scriptWith({})).toContain("--server https://acme-v02.api.letsencrypt.org/directory ");
		expect(scriptWith({ directoryUrl: "https://10.0.0.5:14000/dir" })).toContain("--server https://10.0.0.5:14000/dir ");
	});
});

describe("the script that installs packages", () => {
	/** Runs it against stand-ins of the host's programs. `installed`: what is there; `failures`: how often apt-get install fails. */
	function run(script: string, installed: string[], failures = 0): { calls: string[]; status: number | null } {
		const stubs = `
failures=${failures}
dpkg-query() { case " ${installed.join(" ")} " in *" \${!#} "*) echo "install ok installed" ;; *) return 1 ;; esac; }
apt-get() { echo "apt-get $*"; case " $* " in *" install "*) if [ $failures -gt 0 ]; then failures=$((failures - 1)); return 100; fi ;; esac; }
systemctl() { echo "systemctl $*"; [ "$1" != is-enabled ]; }
`;
		const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", stubs + script], { encoding: "utf8" });
		const calls = `${stdout}${stderr}`.split("\n").filter((line) => /^(apt-get|systemctl) /.test(line));
		return { calls: calls.map((line) => line.replace(/-o \S+ /g, "").replace(/ -q /, " ")), status };
	}

	test("installs what is missing, and only that", () => {
		const { calls, status } = run(installScript(["curl", "nfs-common"], []), ["curl"]);
		expect(calls).toEqual(["apt-get install -y --no-install-recommends nfs-common"]);
		expect(status).toBe(0);
	});

	test("asks the network for nothing when all is there", () => {
		expect(run(installScript(["curl", "nfs-common"], []), ["curl", "nfs-common"])).toEqual({ calls: [], status: 0 });
	});

	test("fetches the package lists when the installation fails without, and tries again", () => {
		const { calls, status } = run(installScript(["nginx"], []), [], 1);
		const install = "apt-get install -y --no-install-recommends nginx";
		expect(calls.sort()).toEqual([install, install, "apt-get update"].sort());
		expect(status).toBe(0);
	});

	test("leaves the programs that a script goes on with as they are", () => {
		const host = new ScratchHost();
		const { status, stderr } = host.run(asRoot("root", `${installScript(["curl"], [])}\ninstall -d -m 700 /etc/made`));
		expect([status, stderr, fs.existsSync(path.join(host.root, "etc/made"))]).toEqual([0, "", true]);
		host.remove();
	});

	test("fails when the installation fails for good", () => {
		expect(run(installScript(["nginx"], []), [], 9).status).not.toBe(0);
	});

	test("enables and starts the role's services", () => {
		const { calls } = run(installScript(["docker.io"], ["docker"]), ["docker.io"]);
		expect(calls).toEqual(expect.arrayContaining(["systemctl enable docker", "systemctl start docker"]));
	});
});

describe("the script that installs the drain agent", () => {
	const service = topology((config) => {
		Object.assign(config.service, {
			publish: { mode: "host", target: 8080, published: 8090 },
			health: { path: "/health?deep=50%25" },
			rollout: { drainLimitSeconds: 20 },
		});
	}).service;
	const script = agentScript("scaleout-drain-babble-was", service);

	test("is bash", () => {
		expect(syntaxFault(script)).toBe("");
	});

	test("gives the agent the service's ports, health path and limit", () => {
		expect(script).toContain("--service babble-was --published 8090 --target 8080");
		expect(script).toContain("--drain-limit 20");
	});

	test("a percent sign reaches the agent: systemd would take it for a specifier", () => {
		expect(script).toContain("--health-path /health?deep=50%%25");
	});
});

describe("the script that removes the drain agent", () => {
	/** Runs it where `docker ps` lists a task the first `looks` times, and returns what it did, in order. */
	function remove(looks: number): string[] {
		const calls = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-removal-"));
		const standIns = `
cd ${calls}; seq ${looks} > tasks
docker() { head -n 1 tasks; sed -i 1d tasks; echo "docker $*" >> calls; }
systemctl() { [ "$1" = is-active ] || echo "systemctl $*" >> calls; }
rm() { echo "rm $*" >> calls; }
sleep() { :; }
systemd-run() { echo "systemd-run $4" >> calls; shift 4; "$@"; }
export -f docker systemctl rm sleep systemd-run`;
		spawnSync("bash", ["-euo", "pipefail", "-c", `${standIns}\n${removeScript("scaleout-drain-was", "was")}`]);
		const done = fs.readFileSync(path.join(calls, "calls"), "utf8").trim().split("\n");
		fs.rmSync(calls, { recursive: true });
		return done.map((call) => call.split(" ").slice(0, 2).join(" "));
	}
	const removed = ["systemctl disable", "rm -f", "systemctl daemon-reload"];

	test("removes it at once where no task of the service runs", () => {
		expect(remove(0)).toEqual(["docker ps", ...removed]);
	});

	test("leaves it, where tasks run, to take them out, and has it removed after the last one", () => {
		const looks = ["docker ps", "docker ps", "docker ps"];
		expect(remove(3)).toEqual([looks[0], "systemctl stop", "systemd-run scaleout-drain-was-removal", ...looks, ...removed]);
	});
});
