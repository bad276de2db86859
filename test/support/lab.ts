import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { missingEngine } from "../../lab/engine.ts";
import type { Made } from "../../lab/trial/runtime.ts";
import type { Connection } from "../../lib/connection.ts";
import { connectionsOf } from "../../lib/deployment.ts";
import { closeConnections, exec } from "../../lib/ssh.ts";
import { projectDirectory, TestStack } from "./stack.ts";

/** The lab that the tests share: the whole topology on five machines, brought up once. */
export interface Lab {
	endpoint: string;
	/** By host name. */
	connections: Record<string, Connection>;
	/** Why there is no engine; absent when the lab was made by it. */
	noEngine?: string;
}

const directory = ".lab/test";

export const labEnvironment = { DATASOURCE_PASSWORD: "planted-datasource-password", REDIS_PASSWORD: "planted-redis-password" };

/** The stack of the shared lab. Tests that change its configuration put it back. */
export function labStack(): TestStack {
	return new TestStack("test", path.join(projectDirectory, directory, "stack"), TestStack.labConfig(directory), labEnvironment);
}

/** Brings the lab up, by the engine where there is one. @throws Error with all output when it fails. */
export async function bringUp(): Promise<Lab> {
	const stack = labStack();
	fs.rmSync(keptLogs, { recursive: true, force: true });
	const noEngine = missingEngine();
	if (noEngine) {
		await stack.writeConfig();
		runTrial("up", stack);
		return { ...describeTrial(stack), noEngine };
	}
	await stack.init();
	const first = await stack.up();
	if (first.code === 0) return describeLab(stack);
	// Emulated machines on a busy host can miss a deadline; going on after a failure is a promise of its own. It is said, not hidden.
	process.stderr.write(`the lab's first up failed and is run again:\n${first.output}\n`);
	const second = await stack.up();
	if (second.code !== 0) throw new Error(`pulumi up failed twice:\n${second.output}`);
	return describeLab(stack);
}

export async function describeLab(stack: TestStack): Promise<Lab> {
	const resources = await stack.resources();
	const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
	return { endpoint: root?.outputs.endpoint, connections: connectionsOf(resources) };
}

/** Sends a signal to the emulator of one of the lab's machines. */
export function signalMachine(host: string, signal: NodeJS.Signals): void {
	process.kill(Number(fs.readFileSync(path.join(directory, host, "pid"), "utf8")), signal);
}

/** Where the hosts' logs of the last lab are kept, for whoever looks into a failure: a directory for each test that failed, and one of the end. */
const keptLogs = ".lab/test-logs";

/** Keeps each host's console and journal, and what Swarm says of the service, under that name. What cannot be had is left out. */
export async function keepLogs(name: string): Promise<void> {
	const kept = path.join(keptLogs, name.replace(/\W+/g, "-").slice(0, 100));
	fs.mkdirSync(kept, { recursive: true });
	const hosts = fs
		.readdirSync(directory, { withFileTypes: true })
		.filter((entry) => fs.existsSync(path.join(directory, entry.name, "console.log")));
	for (const { name } of hosts) fs.copyFileSync(path.join(directory, name, "console.log"), path.join(kept, `${name}.console.log`));
	const { connections } = await describe(labStack()).catch(() => ({ connections: {} }));
	const script =
		"journalctl -b --no-pager -o short-precise; docker node ls; docker service ps --no-trunc babble-was; tail -n 50 /var/log/nginx/error.log; true";
	const keep = async ([name, connection]: [string, Connection]) => {
		const { stdout } = await exec(connection, `(${script}) 2>/dev/null`, { deadlineSeconds: 60 });
		fs.writeFileSync(path.join(kept, `${name}.journal.log`), stdout);
	};
	await Promise.allSettled(Object.entries(connections).map(keep));
	await closeConnections();
}

const describe = async (stack: TestStack) => (fs.existsSync(journalOf(stack)) ? describeTrial(stack) : describeLab(stack));

/** Takes the lab down, and keeps its hosts' logs. */
export async function takeDown(): Promise<void> {
	if (!fs.existsSync(path.join(projectDirectory, directory))) return;
	await keepLogs("at the end");
	const stack = labStack();
	if (fs.existsSync(journalOf(stack))) return runTrial("destroy", stack);
	// A test that failed may have left an `up` behind, with the lock of the state.
	await stack.run("cancel", "--yes", "--stack", stack.name);
	const { code, output } = await stack.destroy();
	if (code !== 0) throw new Error(`pulumi destroy failed:\n${output}`);
	fs.rmSync(path.join(projectDirectory, directory), { recursive: true });
}

const journalOf = (stack: TestStack) => path.join(stack.directory, "trial.json");

function runTrial(action: "up" | "destroy", stack: TestStack): void {
	const env = { ...process.env, ...labEnvironment };
	const args = ["lab/trial/trial.ts", action, stack.configFile, journalOf(stack)];
	const { status } = spawnSync(process.execPath, args, { cwd: projectDirectory, env, stdio: ["ignore", "inherit", "inherit"] });
	if (status !== 0) throw new Error(`the trial's ${action} failed`);
}

function describeTrial(stack: TestStack): Lab {
	const made = JSON.parse(fs.readFileSync(journalOf(stack), "utf8")) as Made[];
	const checks = made.filter(({ type }) => type.endsWith(":HostBootstrap"));
	const connections = Object.fromEntries(checks.map(({ inputs }) => [inputs.host, inputs.connection]));
	return { endpoint: "http://127.0.0.1:8188", connections };
}
