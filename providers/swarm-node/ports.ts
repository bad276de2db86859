import { scriptText } from "../../host/kit.ts";

/*
 * What a host must reach before it joins. Docker's reference calls it "Open protocols and ports between the hosts". UDP shows nothing until an
 * overlay network uses it, and a host that is not a node yet does not listen: neither is checked.
 */

/** Port of the nodes' gossip; each node listens on it. */
const gossipPort = 7946;
/** After this time a port that neither answers nor refuses counts as closed. */
const deadlineSeconds = 10;

/** The script: prints the `address port` pairs that cannot be reached by TCP. `managers`: addresses with port, as the swarm lists them. Pure. */
export function closedPortsScript(managers: string[]): string {
	const targets = managers.map(split).flatMap(({ address, port }) => [`${address} ${port}`, `${address} ${gossipPort}`]);
	return scriptText("swarm/ports", { targets, seconds: deadlineSeconds });
}

/** The error text for what the script printed; undefined when all was reached. `host`: its name in the configuration. Pure. */
export function closedPorts(printed: string, host: string): string | undefined {
	const closed = printed.trim().split("\n").filter(Boolean).toSorted();
	if (closed.length === 0) return undefined;
	const ports = closed.map((line) => line.split(" ")).map(([address, port]) => `${port}/tcp of ${address}`);
	return (
		`hosts, address of ${host}: it cannot join the swarm, for from there it does not reach ${ports.join(", ")}: ` +
		`let 2377/tcp, 7946/tcp and udp, and swarm.dataPathPort/udp (4789) through between the nodes (firewall, security groups), ` +
		"or correct the managers' addresses"
	);
}

/** Splits `10.0.0.1:2377` or `[fd00::1]:2377`. */
function split(listed: string): { address: string; port: string } {
	const [, address = listed, port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(listed) ?? [];
	return { address, port };
}
