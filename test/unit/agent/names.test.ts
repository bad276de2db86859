import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { containerScript, scriptText } from "../../../host/kit.ts";
import { announcement, drainUnit, gateChain, termsLabel } from "../../../lib/agentNames.ts";
import { asRoot } from "../../../lib/connection.ts";
import { userAgent } from "../../../lib/health.ts";
import { StandInHost } from "../../support/standInHost.ts";
import { python } from "./support/python.ts";

/* What conntrack prints, and signals by their names, as the agent reads them; and the names that it shares with the rest. */

test("chain, label, note and announcement are called the same on both sides", () => {
	const script = `
import json, drain_agent, scaleout_gate as gate, scaleout_stop as stop, scaleout_task as task
print(json.dumps([gate.Gate(8080).chain, task.TERMS, stop.ENDING, drain_agent.parse([]).stop_signal]))`;
	const [chain, label, note, signal] = python(script) as [string, string, string, number];
	expect([chain, label, signal]).toEqual([gateChain(8080), termsLabel, os.constants.signals[announcement]]);
	const host = new StandInHost();
	const tellEnding = asRoot("root", scriptText("drain/ending", { unit: drainUnit("was") }));
	const directory = path.join(host.root, "run/scaleout-drain-was");
	expect(host.run(tellEnding), "where no agent is").toMatchObject({ status: 0, stderr: "" });
	expect(fs.existsSync(directory)).toBe(false);
	fs.mkdirSync(directory);
	expect(host.run(tellEnding)).toMatchObject({ status: 0, stderr: "" });
	expect([fs.readdirSync(directory), host.faults]).toEqual([[note], []]);
	host.remove();
});

test("Docker's own check says who it is as the others do", () => {
	const forEver = "9".repeat(15);
	const args = ["--norc", "-c", containerScript("ask"), "10.0.0.1", forEver, "5", "/health", "was.example.org", "200"];
	const { stdout } = spawnSync("bash", args, { input: "", encoding: "utf8" });
	expect(stdout.split("\r\n")).toContain(`User-Agent: ${userAgent}`);
});

describe("a connection to this node's port", () => {
	const to = "src=10.0.0.9 dst=10.0.0.1 sport=5 dport=8080 src=172.17.0.2 dst=10.0.0.9 sport=80 dport=5";
	const elsewhere = "src=172.17.0.2 dst=10.0.0.7 sport=5 dport=8080 src=10.0.0.7 dst=172.17.0.2 sport=8080 dport=5";
	// As conntrack-tools 1.4 print them.
	test.each([
		["is established", `tcp      6 431999 ESTABLISHED ${to} [ASSURED] mark=0 use=1`, 1],
		["has no answer to its answer yet: its client may send a request still", `tcp      6 59 SYN_RECV ${to} mark=0 use=1`, 1],
		["is in a firewall's flow table", `tcp      6 ${to} [OFFLOAD] mark=0 use=2`, 1],
		["is in the network card's flow table", `tcp      6 ${to} [HW_OFFLOAD] mark=0 use=2`, 1],
		["has ended", `tcp      6 119 TIME_WAIT ${to} [ASSURED] mark=0 use=1`, 0],
		["has been closed by one side", `tcp      6 59 CLOSE_WAIT ${to} [ASSURED] mark=0 use=1`, 0],
		["is one of a container to the same port of another host", `tcp      6 431999 ESTABLISHED ${elsewhere} [ASSURED] mark=0 use=1`, 0],
	])("that %s counts accordingly", (_what, line, counted) => {
		const script = "import json, sys, scaleout_gate as gate\nprint(json.dumps(gate.in_flight(sys.argv[1:], {'10.0.0.1'})))";
		expect(python(script, line)).toBe(counted);
	});
});

test("a signal is known by all names that Docker takes for it", () => {
	const rows: [name: string, number: number][] = [
		["SIGQUIT", 3],
		["QUIT", 3],
		["sigquit", 3],
		["28", 28],
		["SIGRTMIN", 34],
		["SIGRTMIN+3", 37],
		["RTMIN+3", 37],
		["SIGRTMAX-14", 50],
		["SIGNOTHING", 15],
		["", 15],
	];
	const script = "import json, sys, scaleout_systemd as systemd\nprint(json.dumps([systemd.number_of(name) for name in sys.argv[1:]]))";
	expect(python(script, ...rows.map(([name]) => name))).toEqual(rows.map(([, number]) => number));
});
