import { recordDirectory, scriptText } from "../../host/kit.ts";
import { asRoot, describeConnection } from "../../lib/connection.ts";
import { differencesOf, nextDrift } from "../../lib/drift.ts";
import { connect, exec, execAsRoot, isUnreachable, SshError, type SshFault } from "../../lib/ssh.ts";
import { defineProvider } from "../define.ts";
import { preflight, preflightScript } from "./preflight.ts";
import type { HostCheckInputs, HostCheckOutputs } from "./resource.ts";

const remedies: Record<SshFault, [property: string, remedy: string]> = {
	unreachable: ["ssh.host", "check the address, the port, and that the host is up"],
	authentication: ["ssh.privateKeyFile", "check the user, and that the key is in its authorized_keys"],
	privateKey: ["ssh.privateKeyFile", "give an OpenSSH or PEM private key without passphrase"],
	hostKey: ["ssh.hostKey", "someone else may answer at this address; if the host was really recreated, pin its new key"],
};

export const provider = defineProvider<HostCheckInputs, HostCheckOutputs>({
	inputs: {
		host: "ignore",
		property: "ignore",
		connection: "update",
		machineId: "update",
		owner: "update",
		roles: "update",
		isMade: "ignore",
		deadlineSeconds: "ignore",
		hint: "ignore",
		drift: "ignore",
	},

	describeChange: (changed, olds, { property }) =>
		changed.includes("machineId") && olds.machineId ? `${property}: the machine is recreated: every step on it runs again` : undefined,

	async create(inputs) {
		const { os, architecture } = await check(inputs);
		return { id: describeConnection(inputs.connection), outputs: { os, architecture, drift: {} } };
	},

	async read(_id, state, { note }) {
		const { property, connection, owner, roles, isMade, deadlineSeconds = 45, os, architecture, drift = {} } = state;
		try {
			await connect(connection, Math.min(deadlineSeconds, refreshDeadlineSeconds));
		} catch (error) {
			// A machine of ours that is down must not keep a refresh from seeing, and an update from mending, everything else.
			if (!isMade || !isUnreachable(error)) throw explained(state, error);
			note(`${error.message}: what is on it cannot be looked at now`);
			return { os, architecture, drift };
		}
		const looked = await execAsRoot(connection, `${preflightScript(roles)}\n${refreshScript(owner)}`, { deadlineSeconds: 120 });
		// What would stop a first `up` may be what the next one mends: it is told.
		for (const problem of preflight(looked, Date.now() / 1000).problems) note(`${property}: ${problem}`);
		return { os, architecture, drift: nextDrift(drift, differencesOf(looked)) };
	},

	async update(_id, { drift = {} }, news) {
		const { os, architecture, printed } = await check(news);
		// An empty host has to be told to the steps, whose inputs may all be as they were. What else has changed there is for a refresh to find.
		return { os, architecture, drift: nextDrift(drift, differencesOf(printed)) };
	},

	async delete() {},
});

const hasRecords = (owner: string) => scriptText("host/has-records", { records: recordDirectory(owner) });

/** Prints what `differencesOf` reads. */
export const refreshScript = (owner: string) => [scriptText("checks"), hasRecords(owner), scriptText("host/refresh")].join("\n");

/** Seconds a host may take to answer at a refresh. */
const refreshDeadlineSeconds = 20;

/** The error with the property and the remedy. */
function explained({ property, hint }: HostCheckInputs, error: unknown): unknown {
	if (!(error instanceof SshError)) return error;
	const [field, remedy] = remedies[error.fault];
	const further = isUnreachable(error) && hint ? `; ${hint}` : "";
	return new Error(`${property}.${field}: ${error.message}: ${remedy}${further}`);
}

/** `printed`: what `differencesOf` reads. */
async function check(inputs: HostCheckInputs): Promise<Omit<HostCheckOutputs, "drift"> & { printed: string }> {
	const { property, connection, owner, roles, deadlineSeconds = 45 } = inputs;
	try {
		await connect(connection, deadlineSeconds);
	} catch (error) {
		throw explained(inputs, error);
	}
	const script = `${preflightScript(roles)}\n${hasRecords(owner)}`;
	const { stdout, stderr, code } = await exec(connection, asRoot(connection.user, script), { deadlineSeconds: 60 });
	if (code !== 0) {
		throw new Error(
			`${property}.ssh.user = "${connection.user}": cannot run commands as root: allow it "sudo -n", or use root: ${stderr.trim()}`,
		);
	}
	const { os, architecture, problems } = preflight(stdout, Date.now() / 1000);
	if (problems.length > 0) throw new Error(problems.map((problem) => `${property}: ${problem}`).join("\n"));
	return { os, architecture, printed: stdout };
}
