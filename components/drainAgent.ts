import type * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { drainUnit } from "../lib/agentNames.ts";
import { installProgram, lookAtProgram, programPath, programText, removeProgram, systemdQuote } from "../lib/agentProgram.ts";
import { remoteStep } from "./host.ts";
import type { SwarmMember } from "./swarm.ts";

const program = "drain_agent";

/** One of the service's nodes, as its agent knows it. */
export interface AgentNode {
	name: string;
	/** Private address. */
	address: string;
}

/** The agent that takes a node out before a task of the service stops there. `peers`: the service's other nodes. See agent/drain_agent.py. */
export function drainAgent(
	{ host, node }: SwarmMember,
	service: Topology["service"],
	peers: AgentNode[],
	parent: pulumi.Resource,
): pulumi.Resource {
	const unit = drainUnit(service.name);
	const args = {
		script: agentScript(service, host, peers),
		stdin: programText(program),
		looks: lookAtProgram(unit, program),
		deleteScript: removeScript(service.name),
	};
	// Only on a host that has proven to be this stack's node: on another one it would take the place of that stack's agent.
	// Named after the service: another one's agent is another resource, and the one before is removed.
	return remoteStep(`${host.name}-${service.name}-drain-agent`, host, args, { parent, dependsOn: [node] });
}

/** Seconds in which systemd lets the agent drain its node before Docker stops: the agent's `--shutdown-turn`, and what a firewall takes. */
const shutdownSeconds = 180;

/** Installs the agent from standard input as a systemd service, and waits until it watches. Pure. */
export function agentScript({ name, rollout }: Topology["service"], node: AgentNode, peers: AgentNode[]): string {
	const unit = drainUnit(name);
	const options = [
		`--service ${name}`,
		`--node ${node.name}`,
		`--address ${node.address}`,
		`--peer-port ${rollout.peerPort}`,
		...peers.map((peer) => `--peer ${peer.name}=${peer.address}`),
		// In an order of nodes, all go one at a time.
		`--parallelism ${rollout.order.length > 0 ? 1 : rollout.parallelism}`,
		...(rollout.order.length > 0 ? [`--order ${rollout.order.join(",")}`] : []),
		...(rollout.delaySeconds > 0 ? [`--delay ${rollout.delaySeconds}`] : []),
	];
	return `
${installProgram(unit)}
cat > /etc/systemd/system/${unit}.service <<'END'
[Unit]
Description=Drains this node before a task of ${name} stops
After=docker.service
Requires=docker.service
# It is started again as often as it ends.
StartLimitIntervalSec=0

[Service]
# It says so when it watches.
Type=notify
ExecStart=/usr/bin/python3 ${programPath(unit, program)} ${options.map(systemdWords).join(" ")}
Restart=always
RestartSec=1
# When Docker is stopped, this unit is stopped before it, and drains first. What it leaves behind tells the application, as Docker stops.
TimeoutStopSec=${rollout.drainLimitSeconds + shutdownSeconds}
KillMode=process

[Install]
WantedBy=multi-user.target docker.service
END
chmod 644 /etc/systemd/system/${unit}.service
systemctl daemon-reload
systemctl is-enabled -q ${unit} || systemctl enable ${unit} >&2
# It returns once the agent watches, or has failed for the first time: then systemd goes on trying.
systemctl restart ${unit} || true
for attempt in $(seq 60); do
  if systemctl is-active -q ${unit}; then exit 0; fi
  sleep 0.5
done
echo "the drain agent does not start:" >&2
journalctl -n 20 --no-pager -o cat -u ${unit} >&2
exit 1
`.trim();
}

const systemdWords = (option: string) => option.split(" ").map(systemdQuote).join(" ");

/** Removes the agent, and opens what it has closed. Pure. */
export function removeScript(service: string): string {
	const unit = drainUnit(service);
	return `
systemctl disable --now ${unit} || true
[ ! -e ${programPath(unit, program)} ] || python3 ${programPath(unit, program)} --service ${service} --clear
rm -rf /etc/systemd/system/${unit}.service /run/${unit}
${removeProgram(unit)}
systemctl daemon-reload
`.trim();
}
