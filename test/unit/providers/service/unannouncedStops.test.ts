import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { closeScript } from "../../../../providers/service/unannouncedStops.ts";

/* With the real iptables, in a network namespace of its own. */

const namespace = `unannounced-${process.pid}`;
const inside = (...command: string[]) => execFileSync("ip", ["netns", "exec", namespace, ...command], { encoding: "utf8" });
const canMake = () =>
	spawnSync("ip", ["netns", "add", namespace]).status === 0 && spawnSync("ip", ["netns", "exec", namespace, "iptables", "-L"]).status === 0;

afterEach(() => void spawnSync("ip", ["netns", "del", namespace]));

describe("a node that is closed by hand", () => {
	test("has the chain once, first in FORWARD and OUTPUT, however often it is closed", (context) => {
		if (!canMake()) context.skip("needs root, ip netns and iptables");
		inside("iptables", "-A", "FORWARD", "-j", "ACCEPT");
		for (let i = 0; i < 2; i++) inside("bash", "-euo", "pipefail", "-c", closeScript(8080));
		const rules = inside("iptables-save", "-t", "filter")
			.split("\n")
			.filter((line) => line.startsWith("-A"));
		expect(rules).toEqual([
			"-A FORWARD -j SCALEOUT-DRAIN-8080",
			"-A FORWARD -j ACCEPT",
			"-A OUTPUT -j SCALEOUT-DRAIN-8080",
			"-A SCALEOUT-DRAIN-8080 -p tcp -m conntrack --ctstate NEW --ctorigdstport 8080 -m conntrack --ctstate DNAT -j REJECT --reject-with tcp-reset",
		]);
	});

	test("refuses what Docker would lead on to a task, from the node itself as well, and not what goes to others at the same port", (context) => {
		if (!canMake()) context.skip("needs root, ip netns and iptables");
		const script = `
ip link set lo up
ip addr add 10.98.0.1/32 dev lo; ip addr add 10.98.0.2/32 dev lo; ip addr add 10.98.0.3/32 dev lo
iptables -t nat -A OUTPUT -p tcp -d 10.98.0.1 --dport 8080 -j DNAT --to 10.98.0.2:8080
python3 -m http.server 8080 --bind 0.0.0.0 > /dev/null 2>&1 & server=$!
trap 'kill $server' EXIT
ask() { curl -s --noproxy '*' -o /dev/null -m 5 --retry 10 --retry-connrefused --retry-delay 1 -w "%{http_code}\\n" http://$1:8080/ || true; }
once() { curl -s --noproxy '*' -o /dev/null -m 5 -w "%{http_code}\\n" http://$1:8080/ || true; }
ask 10.98.0.1
${closeScript(8080)}
once 10.98.0.1; once 10.98.0.3`;
		expect(inside("bash", "-euo", "pipefail", "-c", script).trim().split("\n")).toEqual(["200", "000", "200"]);
	});
});
