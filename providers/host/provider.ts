import { kitArchive, kitDirectory, recordDirectory, scriptText, stepCommand, stepVersion } from "../../host/kit.ts";
import { manifest, type StepData } from "../../host/manifest.ts";
import type { StepName } from "../../host/steps.ts";
import { asRoot, describeConnection } from "../../lib/connection.ts";
import { differencesOf, everyStep, nextDrift, shortened } from "../../lib/drift.ts";
import { printable } from "../../lib/printable.ts";
import type { Progress } from "../../lib/progress.ts";
import { connect, exec, execAsRoot, isUnreachable, SshError, type SshFault } from "../../lib/ssh.ts";
import { defineProvider, PartialFailure } from "../define.ts";
import { preflight, preflightScript } from "./preflight.ts";
import type { HostBootstrapInputs, HostBootstrapOutputs } from "./resource.ts";

const remedies: Record<SshFault, [property: string, remedy: string]> = {
	unreachable: ["ssh.host", "check the address, the port, and that the host is up"],
	authentication: ["ssh.privateKeyFile", "check the user, and that the key is in its authorized_keys"],
	privateKey: ["ssh.privateKeyFile", "give an OpenSSH or PEM private key without passphrase"],
	hostKey: ["ssh.hostKey", "someone else may answer at this address; if the host was really recreated, pin its new key"],
};

export const provider = defineProvider<HostBootstrapInputs, HostBootstrapOutputs>({
	inputs: {
		host: "ignore",
		property: "ignore",
		connection: "update",
		machineId: "update",
		owner: "replace",
		roles: "update",
		version: "update",
		packages: "update",
		units: "update",
		operator: "update",
		isMade: "ignore",
		isBooting: "ignore",
		deadlineSeconds: "ignore",
		hint: "ignore",
		isLost: "ignore",
		drift: "ignore",
	},
	refreshed: ["drift"],

	drift: ({ installed, version, differs }, { isLost }) =>
		isLost ? [] : [...(installed === version ? [] : ["installed"]), ...(Object.keys(differs).length === 0 ? [] : ["differs"])],

	describeChange(changed, { machineId, installed, differs }, { property, version }) {
		if (changed.includes("machineId") && machineId) return `${property}: the machine is recreated: every step on it runs again`;
		if (changed.length > 0) return undefined;
		const found = Object.entries(differs).map(([subject, state]) => `${subject} is ${state}`);
		return `${property}: ${[...(installed === version ? [] : ["the scripts of the steps are not those of this program"]), ...found].join("; ")}`;
	},

	async create(inputs, { progress }) {
		const facts = await check(inputs);
		const outputs = { ...facts, installed: "", differs: {}, drift: {} };
		const id = describeConnection(inputs.connection);
		try {
			await setUp(inputs, progress);
		} catch (error) {
			// Something is installed by now, and a destroy must remove it.
			throw new PartialFailure(id, outputs, (error as Error).message);
		}
		return { id, outputs: { ...outputs, installed: inputs.version } };
	},

	async read(_id, state, { note }) {
		const { property, connection, owner, roles, isMade, deadlineSeconds = 45, os, architecture, installed, differs, drift = {} } = state;
		try {
			await connect(connection, Math.min(deadlineSeconds, refreshDeadlineSeconds));
		} catch (error) {
			// A machine of this stack that is down must not prevent a refresh from seeing everything else, and an update from repairing it.
			if (!isMade || !isUnreachable(error)) throw explained(state, error);
			note(`${error.message}: what is on it cannot be looked at now`);
			return { os, architecture, installed, differs, drift };
		}
		const script = [preflightScript(roles), scriptText("host/installed", { kit: kitDirectory(owner) }), refreshScript(owner)].join("\n");
		const looked = await execAsRoot(connection, script, { deadlineSeconds: 120 });
		// A problem that would stop a first `up` may be one that the next `up` repairs: so it is only reported.
		for (const problem of preflight(looked, Date.now() / 1000).problems) note(`${property}: ${problem}`);
		const { [record]: own = {}, ...ofSteps } = differencesOf(looked);
		return {
			os,
			architecture,
			installed: /^kit (\S+)$/m.exec(looked)?.[1] ?? "",
			differs: shortened({ ...own, ...ofSteps[everyStep] }),
			drift: nextDrift(drift, ofSteps),
		};
	},

	// What has changed on the host beyond packages and scripts is left for a refresh to find: a drift of which the inputs know nothing would be lost in previews.
	async update(_id, _olds, news, { progress }) {
		const facts = await check(news);
		await setUp(news, progress);
		return { ...facts, installed: news.version, differs: {}, drift: news.drift ?? {} };
	},

	// Deleted last on a host: its steps have been undone by then.
	async delete(_id, { connection, owner }) {
		await execAsRoot(
			connection,
			scriptText("host/remove", { kit: kitDirectory(owner), records: recordDirectory(owner), own: [record, bootRecord] }),
		);
	},
});

/** Names of the bootstrap's own records on the host, beside those of the steps. */
const [record, bootRecord] = ["packages", "boot"];

/** The script: prints what `differencesOf` reads. */
export const refreshScript = (owner: string) =>
	[scriptText("checks"), scriptText("host/has-records", { records: recordDirectory(owner) }), scriptText("host/refresh")].join("\n");

/** Seconds that a host may take to answer at a refresh. */
const refreshDeadlineSeconds = 20;

/** Adds the property and the remedy to the error. */
function explained({ property, hint }: HostBootstrapInputs, error: unknown): unknown {
	if (!(error instanceof SshError)) return error;
	const [field, remedy] = remedies[error.fault];
	const further = isUnreachable(error) && hint ? `; ${hint}` : "";
	return new Error(`${property}.${field}: ${error.message}: ${remedy}${further}`);
}

/** Whether the host can be used. @throws Error with property and remedy if it cannot. */
async function check(inputs: HostBootstrapInputs): Promise<Pick<HostBootstrapOutputs, "os" | "architecture">> {
	const { property, connection, roles, deadlineSeconds = 45 } = inputs;
	try {
		await connect(connection, deadlineSeconds);
	} catch (error) {
		throw explained(inputs, error);
	}
	const { stdout, stderr, code } = await exec(connection, asRoot(connection.user, preflightScript(roles)), { deadlineSeconds: 60 });
	if (code !== 0) {
		throw new Error(
			`${property}.ssh.user = "${connection.user}": cannot run commands as root: allow it "sudo -n", or use root: ${stderr.trim()}`,
		);
	}
	const { os, architecture, problems } = preflight(stdout, Date.now() / 1000);
	if (problems.length > 0) throw new Error(problems.map((problem) => `${property}: ${problem}`).join("\n"));
	return { os, architecture };
}

/** Seconds that a mirror may take to deliver all packages of a host. */
const packagesDeadlineSeconds = 1800;

/** Installs the scripts, and runs the first steps. */
async function setUp(inputs: HostBootstrapInputs, progress: Progress): Promise<void> {
	const { property, connection, owner } = inputs;
	await execAsRoot(connection, scriptText("host/install", { kit: kitDirectory(owner) }), { stdin: await kitArchive() });
	for (const { command, stdin } of firstSteps(inputs)) {
		const { code, stderr } = await exec(connection, command, { stdin, deadlineSeconds: packagesDeadlineSeconds, onStderr: progress });
		if (code !== 0) throw new Error(`${property}: ${printable(stderr.trim()) || `exit status ${code}: ${command}`}`);
	}
}

/** The steps that a bootstrap runs: their commands, and the standard input for each. Pure. */
export function firstSteps({ connection, owner, isBooting, packages, units, operator }: HostBootstrapInputs) {
	const line = (step: StepName, record: string, data: StepData) => ({
		command: stepCommand(owner, connection.user, step),
		stdin: manifest({ step, version: stepVersion(step), record }, data),
	});
	const install = line("host/packages", record, { ...(operator && { settings: { operator } }), packages, units });
	return isBooting ? [line("aws/boot", bootRecord, {}), install] : [install];
}
