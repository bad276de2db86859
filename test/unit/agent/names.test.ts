import * as os from "node:os";
import { describe, expect, test } from "vitest";
import { announcement, gateChain, tellEnding, termsLabel } from "../../../lib/agentNames.ts";
import { python } from "./support/python.ts";

/* What conntrack prints, and signals by their names, as the agent reads them; and the names that it shares with the rest. */

test("chain, label, note and announcement are called the same on both sides", () => {
	const script = `
import json, drain_agent, scaleout_gate as gate, scaleout_stop as stop, scaleout_task as task
print(json.dumps([gate.Gate(8080).chain, task.TERMS, stop.ENDING, drain_agent.parse([]).stop_signal]))`;
	const [chain, label, note, signal] = python(script) as [string, string, string, number];
	expect([chain, label, signal]).toEqual([gateChain(8080), termsLabel, os.constants.signals[announcement]]);
	expect(tellEnding("was")).toMatch(new RegExp(`/run/scaleout-drain-was/${note}$`));
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
