import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { type AgentNode, agentStep } from "../../../components/drainAgent.ts";
import { recordDirectory } from "../../../host/kit.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep, undoStep } from "../../support/step.ts";
import { projectDirectory, serviceIn, topology, was } from "../fixtures.ts";

/* The step that has the drain agent run on a node. */

const nodes = ["manager", "worker1", "worker2"].map((name, index) => ({ name, address: `10.0.0.${index + 1}` }));
const [node, ...peers] = nodes as [AgentNode, ...AgentNode[]];
const directory = "/usr/local/lib/scaleout/scaleout-drain-babble-was";

const stepFor = (rollout: object) => {
	const service = serviceIn(topology((config) => Object.assign(was(config), { publish: { mode: "host" }, rollout })));
	return agentStep(service, node, peers);
};

describe("the agent's unit", () => {
	/** As systemd reads it: a line that ends with a backslash goes on in the next. */
	const linesFor = (rollout: object) => String(stepFor(rollout).files?.[0]?.content).replaceAll(" \\\n  ", " ").split("\n");
	const commandFor = (rollout: object) => linesFor(rollout).find((line) => line.startsWith("ExecStart="));

	test("gives it its node and the others, and how many may be closed at a time", () => {
		expect(commandFor({ parallelism: 2, peerPort: 7999, delaySeconds: 5 })).toBe(
			`ExecStart=/usr/bin/python3 ${directory}/drain_agent.py --service babble-was --node manager --address 10.0.0.1 --peer-port 7999 --peer worker1=10.0.0.2 --peer worker2=10.0.0.3 --parallelism 2 --delay 5`,
		);
	});

	test("lets one node go at a time in an order of nodes", () => {
		expect(commandFor({ order: ["worker2", "manager"] })).toMatch(/--parallelism 1 --order worker2,manager$/);
	});

	test("has no argument for what a task is told: it stands on the task", () => {
		const given = { drainLimitSeconds: 17, settleSeconds: 19, turnLimitSeconds: 1801 };
		expect(commandFor(given)).toBe(commandFor({}));
	});

	test("has systemd stop it before Docker, give it the time for a turn and a drain, and start it again as often as it ends", () => {
		expect(linesFor({ drainLimitSeconds: 20 })).toEqual(
			expect.arrayContaining([
				"After=docker.service",
				"Requires=docker.service",
				"StartLimitIntervalSec=0",
				"Restart=always",
				"Type=notify",
				"KillMode=process",
				"TimeoutStopSec=200",
			]),
		);
	});
});

describe("on a host", () => {
	let host: StandInHost;
	eachOnHost((fresh) => {
		host = fresh;
	});

	const at = (name: string) => path.join(host.root, name);

	/** On a host whose agent is active after so many looks. */
	const install = (looks: number) =>
		runStep(
			host,
			stepFor({}),
			`
export left=${looks}
systemctl() { said systemctl "$@"; if [ "$1" = is-active ]; then [ $((left--)) -le 0 ]; fi; }
journalctl() { echo "its last words"; }
export -f systemctl journalctl`,
		);

	test("the program is there with all that it imports, whole, in place of what was there, and is started", () => {
		fs.mkdirSync(at(directory), { recursive: true });
		fs.writeFileSync(at(`${directory}/scaleout_old.py`), "");
		expect(install(0)).toMatchObject({ status: 0, stderr: "" });
		const agent = path.join(projectDirectory, "host", "agents");
		const files = fs.readdirSync(at(directory)).sort();
		expect(files).toEqual(["drain_agent.py", ...fs.readdirSync(agent).filter((name) => /^scaleout_\w+\.py$/.test(name))].sort());
		for (const name of files)
			expect(fs.readFileSync(at(`${directory}/${name}`), "utf8")).toBe(fs.readFileSync(path.join(agent, name), "utf8"));
		const { status } = spawnSync("python3", ["-B", at(`${directory}/drain_agent.py`), "--help"]);
		expect(status).toBe(0);
		const acts = host.calls("systemctl").map(([, ...words]) => words.join(" "));
		expect(acts.indexOf("daemon-reload")).toBeGreaterThanOrEqual(0);
		expect(acts.indexOf("restart scaleout-drain-babble-was")).toBeGreaterThan(acts.indexOf("daemon-reload"));
	});

	test("the step waits until the agent watches, and fails with its last words when it does not", () => {
		expect(install(3)).toMatchObject({ status: 0, stderr: "" });
		expect(install(99)).toMatchObject({ status: 1, stderr: "the drain agent does not start:\nits last words\n" });
	});

	test("taken back, the agent is stopped, what it has closed is opened, and nothing of it is left", () => {
		// What all steps need of a host is no agent's.
		runStep(host, { step: "test/first" });
		const before = host.files();
		expect(install(0).status).toBe(0);
		fs.mkdirSync(at("run/scaleout-drain-babble-was"));
		const standIns = `systemctl() { echo "systemctl $*"; }; python3() { echo "python3 $*"; }; export -f systemctl python3`;
		const { stdout, status, stderr } = undoStep(host, stepFor({}), standIns);
		expect([status, stderr]).toEqual([0, ""]);
		expect(stdout.trim().split("\n")).toEqual([
			"systemctl disable --now scaleout-drain-babble-was",
			`python3 ${at(directory)}/drain_agent.py --service babble-was --clear`,
			"systemctl daemon-reload",
		]);
		expect(host.files(before)).toEqual([]);
	});

	test("that has no agent there is nothing to take back", () => {
		fs.mkdirSync(at(recordDirectory("swarm-scaleout/lab")), { recursive: true });
		expect(undoStep(host, stepFor({}))).toMatchObject({ status: 0, stderr: "" });
	});
});
