import { parseArgs } from "node:util";
import { type Connection, shellQuote } from "../../lib/connection.ts";
import { connectionsOf } from "../../lib/deployment.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { bringUp, labStack, takeDown } from "../support/lab.ts";
import { AnsibleWorkspace, missingAnsible, unwanted } from "./drift/ansible.ts";
import { checksOf, recordsScript } from "./drift/records.ts";
import { swarmChecksOf } from "./drift/swarm.ts";
import { median, succeeded } from "./measure.ts";

/*
 * `pulumi up --refresh` with nothing changed, and an Ansible playbook that checks the same on the same hosts, in turns. Fails when one of them
 * changes something, or fails itself.
 *
 *   npm run bench:drift -- [--rounds 3] [--keep]
 */

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "3" }, keep: { type: "boolean", default: false } } });

const missing = missingAnsible();
if (missing) throw new Error(missing);
const lab = await bringUp();
const stack = labStack();
const ansible = new AnsibleWorkspace();
// It holds keys: it goes however this ends.
process.once("exit", () => ansible.remove());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
let hosts: string[] = [];
try {
	if (lab.noEngine) throw new Error(`a refresh needs the engine: ${lab.noEngine}`);
	await measure();
} finally {
	await closeConnections();
	if (!options.keep) await takeDown();
}

async function measure(): Promise<void> {
	// Not measured: a lab that was kept may have been changed by hand, and a first run may have something to do.
	await succeeded(stack.up("--refresh"));
	await prepareAnsible();
	const first = await ansible.run();
	if (first.code !== 0) throw new Error(`ansible-playbook failed:\n${first.output}`);

	const ours: number[] = [];
	const theirs: number[] = [];
	for (let round = 1; round <= Number(options.rounds); round++) {
		ours.push(await refresh());
		theirs.push(await playbook());
		process.stdout.write(
			`round ${round}: pulumi up --refresh ${ours.at(-1)?.toFixed(1)} s, ansible-playbook ${theirs.at(-1)?.toFixed(1)} s\n`,
		);
	}
	const [a, b] = [median(ours), median(theirs)];
	process.stdout.write(`\n${hosts.length} hosts with nothing to do, median of ${options.rounds}\n`);
	process.stdout.write(
		`pulumi up --refresh ${a.toFixed(1).padStart(7)} s\nansible-playbook    ${b.toFixed(1).padStart(7)} s\nratio               x${(a / b).toFixed(2)}\n`,
	);
}

async function refresh(): Promise<number> {
	const { code, output, seconds } = await stack.up("--refresh");
	if (code !== 0 || !/Resources:\s+\d+ unchanged\s/.test(output))
		throw new Error(`pulumi up --refresh changed something, or failed:\n${output}`);
	return seconds;
}

async function playbook(): Promise<number> {
	const { code, output, recap, seconds } = await ansible.run();
	const problems = unwanted(recap, hosts);
	if (code !== 0 || problems.length > 0)
		throw new Error(`ansible-playbook changed something, or failed: ${problems.join("; ")}\n${output}`);
	return seconds;
}

/** Makes inventory, variables and files from what the stack has recorded, and installs what Ansible needs on the hosts. */
async function prepareAnsible(): Promise<void> {
	const resources = await stack.resources();
	const connections = connectionsOf(resources);
	hosts = Object.keys(connections);
	const owner = resources.find(({ type }) => type.endsWith(":HostBootstrap"))?.inputs.owner as string;
	const { manager, swarm, volumes } = swarmChecksOf(resources);
	const spec = await execAsRoot(connections[manager] as Connection, `docker service inspect ${shellQuote(swarm.service)}`);
	const ofSwarm = { swarm: { ...swarm, spec: ansible.write("service.json", spec) } };
	const prepare = async ([name, connection]: [string, Connection]) => {
		for (const action of ["update", "install -y --no-install-recommends python3 python3-apt"])
			await execAsRoot(connection, `apt-get -q ${action}`, { deadlineSeconds: 1200 });
		const { variables, contents } = checksOf(await execAsRoot(connection, recordsScript(owner)));
		for (const [file, content] of Object.entries(contents)) ansible.write(`files/${name}${file}`, Buffer.from(content, "base64"));
		const volume = volumes[name] && { volume: volumes[name] };
		return [name, { connection, variables: { ...variables, ...volume, ...(name === manager && ofSwarm) } }] as const;
	};
	ansible.writeInventory(Object.fromEntries(await Promise.all(Object.entries(connections).map(prepare))));
	// Idle connections of this process have no part in what is measured.
	await closeConnections();
}
