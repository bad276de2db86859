import * as fs from "node:fs";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { installProgram, lookAtProgram, programPath, systemdQuote } from "../lib/agentProgram.ts";
import { shellQuote } from "../lib/connection.ts";
import { remoteStep } from "./host.ts";
import type { SwarmMember } from "./swarm.ts";

const program = path.join(import.meta.dirname, "..", "agent", "drain-agent.py");

/** The agent that takes a node out before a task of the service stops there. See agent/drain-agent.py. */
export function drainAgent({ host, node }: SwarmMember, service: Topology["service"], parent: pulumi.Resource): pulumi.Resource {
	const unit = `scaleout-drain-${service.name}`;
	const args = {
		script: agentScript(unit, service),
		stdin: fs.readFileSync(program, "utf8"),
		looks: lookAtProgram(unit),
		deleteScript: removeScript(unit, service.name),
	};
	// Only on a host that has proven to be this stack's node: on another one it would take the place of that stack's agent.
	return remoteStep(`${host.name}-drain-agent`, host, args, { parent, dependsOn: [node] });
}

/** Installs the agent from standard input as a systemd service, and waits until it watches. */
export function agentScript(unit: string, { name, publish, health, rollout }: Topology["service"]): string {
	const options = [
		`--service ${name}`,
		`--published ${publish.published}`,
		`--target ${publish.target}`,
		`--health-path ${systemdQuote(health.path)}`,
		`--drain-limit ${rollout.drainLimitSeconds}`,
	];
	return `
systemctl stop ${removalOf(unit)} 2> /dev/null || true
${installProgram(unit)}
cat > /etc/systemd/system/${unit}.service <<'END'
[Unit]
Description=Drains this node before a task of ${name} stops
After=docker.service
Requires=docker.service

[Service]
ExecStart=/usr/bin/python3 ${programPath(unit)} ${options.join(" ")}
Restart=always
RestartSec=1
# When Docker is stopped, this unit is stopped before it, and drains first.
TimeoutStopSec=${rollout.drainLimitSeconds + 30}

[Install]
WantedBy=multi-user.target docker.service
END
chmod 644 /etc/systemd/system/${unit}.service
systemctl daemon-reload
systemctl is-enabled -q ${unit} || systemctl enable ${unit} >&2
since=$(date '+%Y-%m-%d %H:%M:%S')
systemctl restart ${unit}
for attempt in $(seq 60); do
  journalctl -q -o cat -u ${unit} --since "$since" | grep -q '^watching' && exit 0
  sleep 0.5
done
echo "the drain agent does not start:" >&2
journalctl -n 20 --no-pager -o cat -u ${unit} >&2
exit 1
`.trim();
}

/** The transient unit in which an agent's removal waits. */
const removalOf = (unit: string) => `${unit}-removal`;

/** How long a removal may wait for the node to be drained, in seconds. */
const removalLimitSeconds = 1800;

/**
 * Removes the agent. A host that stays while its node leaves the swarm loses the agent first and is drained afterwards: while tasks of the service
 * run there, the agent stays to take them out, and a transient unit removes it after the last one.
 */
export function removeScript(unit: string, service: string): string {
	const remove = `systemctl disable --now ${unit} || true; rm -f /etc/systemd/system/${unit}.service ${programPath(unit)}; systemctl daemon-reload`;
	const running = `docker ps -q --filter label=com.docker.swarm.service.name=${service} 2> /dev/null`;
	const deferred = `for second in $(seq ${removalLimitSeconds}); do [ -n "$(${running})" ] || break; sleep 1; done; ${remove}`;
	return `
if systemctl is-active -q ${unit} && [ -n "$(${running})" ]; then
  systemctl stop ${removalOf(unit)} 2> /dev/null || true
  systemd-run -q --collect --unit ${removalOf(unit)} bash -c ${shellQuote(deferred)} || { ${remove}; }
else
  ${remove}
fi
`.trim();
}
