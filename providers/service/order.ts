import * as fs from "node:fs";
import * as path from "node:path";
import { installProgram, programPath, systemdQuote } from "../../lib/agentProgram.ts";
import type { Connection } from "../../lib/connection.ts";
import type { Progress } from "../../lib/progress.ts";
import { exec, execAsRoot } from "../../lib/ssh.ts";
import { until } from "../../lib/wait.ts";
import type { ServiceInputs } from "./resource.ts";

/*
 * An order of nodes, which Swarm's updater does not know: a program on the manager holds the later nodes back. See agent/rollout-order.py.
 */

const program = path.join(import.meta.dirname, "..", "..", "agent", "rollout-order.py");

/** IDs of all nodes, the named ones first. Pure. */
export function orderedNodes({ nodes, rollout }: Pick<ServiceInputs, "nodes" | "rollout">): string[] {
	const rank = (name: string) => (rollout.order.includes(name) ? rollout.order.indexOf(name) : rollout.order.length);
	return nodes.toSorted((a, b) => rank(a.name) - rank(b.name)).map(({ nodeId }) => nodeId);
}

/** Holds all nodes but the first. To be called before the service is updated. @param after When the update before this one began. */
export async function holdLaterNodes(inputs: ServiceInputs, manager: Connection, after: string | undefined): Promise<void> {
	await execAsRoot(manager, holdScript(inputs, after), { stdin: fs.readFileSync(program, "utf8"), deadlineSeconds: 300 });
}

/** Installs the program from standard input as a systemd unit and starts it. Pure. */
export function holdScript(inputs: ServiceInputs, after: string | undefined): string {
	const unit = unitOf(inputs);
	const { health, rollout, stopGraceSeconds } = inputs;
	const limit = rollout.drainLimitSeconds + stopGraceSeconds + health.deadlineSeconds + 120;
	const options = [
		`--service ${inputs.name}`,
		`--limit ${limit}`,
		`--delay ${rollout.delaySeconds}`,
		`--monitor ${rollout.monitorSeconds}`,
		...(after ? [`--after ${systemdQuote(after)}`] : []),
		// What hosts say of themselves.
		...orderedNodes(inputs).map(systemdQuote),
	];
	return `
${installProgram(unit)}
cat > /etc/systemd/system/${unit}.service <<'END'
[Unit]
Description=Has Swarm update ${inputs.name} in the wanted order of nodes
After=docker.service
Requires=docker.service

[Service]
Type=notify
NotifyAccess=all
TimeoutStartSec=240
ExecStart=/usr/bin/python3 ${programPath(unit)} ${options.join(" ")}
# A reboot ends it with SIGTERM: then it goes on afterwards.
ExecStopPost=/bin/sh -c '[ "$EXIT_STATUS" = TERM ] || systemctl disable ${unit}'

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable ${unit} >&2
systemctl restart ${unit} || { journalctl -n 20 --no-pager -o cat -u ${unit} >&2; exit 1; }
`.trim();
}

/** Waits until the program on the manager has ended, well or not: what came of it shows in the service. */
export async function orderEnded(inputs: ServiceInputs, manager: Connection, progress: Progress): Promise<void> {
	const script = `systemctl is-active ${unitOf(inputs)}; journalctl -q -n 1 --no-pager -o cat _SYSTEMD_UNIT=${unitOf(inputs)}.service`;
	await until({ what: `service ${inputs.name}, node by node`, deadlineSeconds: inputs.convergeSeconds, progress }, async () => {
		const { stdout } = await exec(manager, script).catch((error) => ({ stdout: `unknown\n${(error as Error).message}` }));
		const [state, last = ""] = stdout.split("\n");
		return state === "inactive" || state === "failed" ? { done: undefined } : { waiting: last };
	});
}

const unitOf = ({ name }: Pick<ServiceInputs, "name">) => `scaleout-order-${name}`;
