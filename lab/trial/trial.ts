import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { closeConnections } from "../../lib/ssh.ts";
import { type Made, TrialRuntime, undo } from "./runtime.ts";

/*
 * Brings a stack up, or takes it down, without the Pulumi engine: `node lab/trial/trial.ts up|destroy [CONFIG_FILE] [JOURNAL]`.
 * What was made is written to the journal (private: it holds keys), so that it can be taken down again.
 */

const [action = "up", configFile = "Pulumi.lab.yaml", journal = ".lab/trial.json"] = process.argv.slice(2);
const project = "swarm-scaleout";
const stack = path.basename(configFile).split(".")[1] ?? "lab";

try {
	if (action === "up") await up();
	else await destroy();
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
} finally {
	await closeConnections();
}

async function up(): Promise<void> {
	if (fs.existsSync(journal)) await destroy();
	fs.mkdirSync(path.dirname(journal), { recursive: true, mode: 0o700 });
	const made: Made[] = [];
	const runtime = new TrialRuntime((item) => {
		made.push(item);
		fs.writeFileSync(journal, JSON.stringify(made), { mode: 0o600 });
	});
	const outputs = await runProgram(runtime, readConfig());
	process.stdout.write(`Outputs:\n${JSON.stringify(outputs, undefined, 2)}\n`);
}

async function destroy(): Promise<void> {
	if (!fs.existsSync(journal)) return;
	const made: Made[] = JSON.parse(fs.readFileSync(journal, "utf8"));
	const keepLogs = readConfig()[`${project}:logs`]?.includes('"keepOnDestroy":false') !== true;
	const failures = await undo(made, (item) => keepLogs && item.type.endsWith(":Disk"));
	if (failures.length > 0) throw new Error(`not all could be deleted:\n${failures.map((failure) => `  ${failure.message}`).join("\n")}`);
	fs.rmSync(journal);
}

/** Runs index.ts under the runtime and returns its exports. */
async function runProgram(runtime: TrialRuntime, config: Record<string, string>): Promise<Record<string, unknown>> {
	await pulumi.runtime.setMocks(runtime, project, stack, false);
	pulumi.runtime.setAllConfig(config);
	const failed = new Promise<never>((_, reject) => process.on("unhandledRejection", reject));
	const program = async () => {
		const exported = await import("../../index.ts");
		const values = Object.entries(exported).map(async ([name, value]) => [name, await promiseOf(value)]);
		const outputs = Object.fromEntries(await Promise.all(values));
		await pulumi.runtime.disconnect();
		return outputs;
	};
	return Promise.race([program(), failed]);
}

function promiseOf(value: unknown): Promise<unknown> {
	return new Promise((resolve) => (pulumi.output(value) as pulumi.Output<unknown>).apply(resolve));
}

/** The stack's configuration file, as the engine hands it to the program: every value as text, structures as JSON. */
function readConfig(): Record<string, string> {
	const file = parse(fs.readFileSync(configFile, "utf8")) as { config?: Record<string, unknown> };
	return Object.fromEntries(
		Object.entries(file.config ?? {}).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
	);
}
