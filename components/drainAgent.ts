import type * as pulumi from "@pulumi/pulumi";
import { programPath, stepProgram, systemdQuote, unitFile } from "../host/agentProgram.ts";
import { drainUnit } from "../lib/agentNames.ts";
import { type HostStepArgs, hostStep } from "./host.ts";
import type { ServiceSettings } from "./settings/service.ts";
import type { SwarmMember } from "./swarm.ts";

const program = "drain_agent";

/** A service whose nodes have agents. */
export interface WithAgents extends Pick<ServiceSettings, "rollout"> {
	/** Name of the service in the swarm. */
	name: string;
}

/** One of the service's nodes, as the agents know it. */
export interface AgentNode {
	/** The host's first name. */
	name: string;
	/** Private address. */
	address: string;
}

/**
 * The agent that closes and drains a node before a task of the service stops there, see host/agents/drain_agent.py.
 *
 * @param peers The service's other nodes.
 * @param needs What else a node needs for the service's tasks.
 */
export function drainAgent(
	name: string,
	{ host, node }: SwarmMember,
	service: WithAgents,
	self: AgentNode,
	peers: AgentNode[],
	needs: Required<Pick<HostStepArgs, "files" | "directories">>,
	parent: pulumi.Resource,
): pulumi.Resource {
	const step = agentStep(service, self, peers);
	const whole = { ...step, directories: needs.directories, files: [...step.files, ...needs.files] };
	// Only on a host that has proven to be this stack's node: on another stack's node it would replace that stack's agent.
	return hostStep((host) => `${name}-drain-agent-${host}`, host, whole, { parent, dependsOn: [node] });
}

/** Seconds, beyond the drain limit, that systemd gives the agent before Docker stops: the agent's `--shutdown-turn`, plus time for the firewall. */
const shutdownSeconds = 180;

/** The step that installs the agent as a systemd service, and waits until it watches. Pure. */
export function agentStep(
	{ name, rollout }: WithAgents,
	node: AgentNode,
	peers: AgentNode[],
): HostStepArgs & Required<Pick<HostStepArgs, "files">> {
	const unit = drainUnit(name);
	const options = [
		`--service ${name}`,
		`--node ${node.name}`,
		`--address ${node.address}`,
		`--peer-port ${rollout.peerPort}`,
		...peers.map((peer) => `--peer ${peer.name}=${peer.address}`),
		// With an order, nodes go one at a time.
		`--parallelism ${rollout.order.length > 0 ? 1 : rollout.parallelism}`,
		...(rollout.order.length > 0 ? [`--order ${rollout.order.join(",")}`] : []),
		...(rollout.delaySeconds > 0 ? [`--delay ${rollout.delaySeconds}`] : []),
	];
	const unitText = `[Unit]
Description=Drains this node before a task of ${name} stops
After=docker.service
Requires=docker.service
# It is started again as often as it ends.
StartLimitIntervalSec=0

[Service]
# It says so when it watches.
Type=notify
ExecStart=${[`/usr/bin/python3 ${programPath(unit, program)}`, ...options.map(systemdWords)].join(" \\\n  ")}
Restart=always
RestartSec=1
# When Docker is stopped, this unit is stopped before it, and drains first. What it leaves behind tells the application, as Docker stops.
TimeoutStopSec=${rollout.drainLimitSeconds + shutdownSeconds}
KillMode=process

[Install]
WantedBy=multi-user.target docker.service
`;
	return {
		step: "drain/agent",
		settings: { unit, service: name, program: programPath(unit, program) },
		program: stepProgram(unit, program),
		files: [{ path: unitFile(`${unit}.service`), content: unitText }],
		checks: [`unit ${unit}.service`],
	};
}

const systemdWords = (option: string) => option.split(" ").map(systemdQuote).join(" ");
