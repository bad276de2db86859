import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { type AgentNode, agentScript, removeScript } from "../../../components/drainAgent.ts";
import { requirements } from "../../../components/nginxConfig.ts";
import { acmeScript, applyScript } from "../../../components/nginxScripts.ts";
import { installScript } from "../../../components/packages.ts";
import { methods } from "../../../config/sections/nginx.ts";
import { programText } from "../../../lib/agentProgram.ts";
import { asRoot } from "../../../lib/connection.ts";
import { ScratchHost } from "../../support/scratchHost.ts";
import { projectDirectory, syntaxFault, topology } from "../fixtures.ts";

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
	const nodes = ["manager", "worker1", "worker2"].map((name, index) => ({ name, address: `10.0.0.${index + 1}` }));
	const [node, ...peers] = nodes as [AgentNode, ...AgentNode[]];
	const scriptFor = (rollout: object) => {
		const { service } = topology((config) => Object.assign(config.service, { publish: { mode: "host" }, rollout }));
		return agentScript(service, node, peers);
	};
	const commandOf = (script: string) => script.match(/^ExecStart=.*$/m)?.[0];

	test("is bash", () => {
		expect(syntaxFault(scriptFor({}))).toBe("");
	});

	test("gives the agent its node and the others, and how many may be closed at a time", () => {
		const program = "/usr/local/lib/scaleout/scaleout-drain-babble-was/drain_agent.py";
		expect(commandOf(scriptFor({ parallelism: 2, peerPort: 7999, delaySeconds: 5 }))).toBe(
			`ExecStart=/usr/bin/python3 ${program} --service babble-was --node manager --address 10.0.0.1 --peer-port 7999 --peer worker1=10.0.0.2 --peer worker2=10.0.0.3 --parallelism 2 --delay 5`,
		);
	});

	test("in an order of nodes, one goes at a time", () => {
		expect(commandOf(scriptFor({ order: ["worker2", "manager"] }))).toMatch(/--parallelism 1 --order worker2,manager$/);
	});

	test("what a task is told is no argument of the agent: it stands on the task", () => {
		const given = { drainLimitSeconds: 17, settleSeconds: 19, turnLimitSeconds: 1801 };
		expect(commandOf(scriptFor(given))).toBe(commandOf(scriptFor({})));
	});

	test("has systemd stop it before Docker, give it the time for a turn and a drain, and start it again as often as it ends", () => {
		const script = scriptFor({ drainLimitSeconds: 20 });
		const lines = [
			"After=docker.service",
			"Requires=docker.service",
			"StartLimitIntervalSec=0",
			"Restart=always",
			"Type=notify",
			"KillMode=process",
		];
		for (const line of [...lines, "TimeoutStopSec=200"]) expect(script.split("\n")).toContain(line);
	});

	/** Runs it on a scratch host whose agent is active after so many looks. */
	function install(looks: number, stdin = programText("drain_agent")) {
		const host = new ScratchHost();
		const standIns = `seq ${looks} > "$ROOT/left"; systemctl() { if [ "$1" = is-active ]; then [ ! -s "$ROOT/left" ] && return; sed -i 1d "$ROOT/left"; return 3; fi; }; journalctl() { echo "its last words"; }`;
		const run = () => host.run(asRoot("root", `${standIns}\n${scriptFor({})}`), stdin);
		return { host, run, files: () => fs.readdirSync(path.join(host.root, "usr/local/lib/scaleout/scaleout-drain-babble-was")).sort() };
	}

	test("installs the program with all that it imports, whole, in place of what was there", () => {
		const { host, run, files } = install(0);
		const old = path.join(host.root, "usr/local/lib/scaleout/scaleout-drain-babble-was");
		fs.mkdirSync(old, { recursive: true });
		fs.writeFileSync(path.join(old, "scaleout_old.py"), "");
		expect(run()).toMatchObject({ status: 0, stderr: "" });
		const agent = path.join(projectDirectory, "agent");
		expect(files()).toEqual(["drain_agent.py", ...fs.readdirSync(agent).filter((name) => /^scaleout_\w+\.py$/.test(name))].sort());
		for (const name of files()) expect(fs.readFileSync(path.join(old, name), "utf8")).toBe(fs.readFileSync(path.join(agent, name), "utf8"));
		const { status } = spawnSync("python3", ["-B", path.join(old, "drain_agent.py"), "--help"]);
		expect(status).toBe(0);
		host.remove();
	});

	test("waits until the agent watches, and fails with its last words when it does not", () => {
		const started = install(3);
		expect(started.run()).toMatchObject({ status: 0 });
		started.host.remove();
		const failed = install(99);
		const { status, stderr } = failed.run();
		expect([status, stderr.trim().split("\n")]).toEqual([1, ["the drain agent does not start:", "its last words"]]);
		failed.host.remove();
	});
});

describe("the script that removes the drain agent", () => {
	test("stops it, opens what it has closed, and leaves nothing of it", () => {
		const host = new ScratchHost();
		const standIns = `systemctl() { echo "systemctl $*"; }; python3() { echo "python3 $*"; }; export -f systemctl python3`;
		const { service } = topology((config) => Object.assign(config.service, { publish: { mode: "host" } }));
		const before = host.files();
		const node = { name: "manager", address: "10.0.0.1" };
		expect(host.run(asRoot("root", agentScript(service, node, [])), programText("drain_agent")).status).toBe(0);
		const program = "/usr/local/lib/scaleout/scaleout-drain-babble-was/drain_agent.py";
		const { stdout, status, stderr } = host.run(asRoot("root", `${standIns}\n${removeScript("babble-was")}`));
		expect([status, stderr]).toEqual([0, ""]);
		expect(stdout.trim().split("\n")).toEqual([
			"systemctl disable --now scaleout-drain-babble-was",
			`python3 ${host.root}${program} --service babble-was --clear`,
			"systemctl daemon-reload",
		]);
		expect(host.files(before).filter(({ isDirectory }) => !isDirectory)).toEqual([]);
		host.remove();
	});

	test("is content with a host that has none", () => {
		const host = new ScratchHost();
		expect(host.run(asRoot("root", removeScript("babble-was"))).status).toBe(0);
		host.remove();
	});
});
