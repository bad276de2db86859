import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { parse } from "yaml";
import { deploymentOf } from "./deployment.ts";
import { type Props, Recorder } from "./mocks.ts";
import { runProgram } from "./program.ts";
import { projectDirectory, TestStack } from "./stack.ts";

/** Five hosts that exist nowhere, and the images pinned, so that a preview contacts nothing. */
const configFile = path.join(projectDirectory, "test", "docs", "samples.yaml");

const require = createRequire(import.meta.url);
/** Planted passwords. */
export const sampleEnvironment = { DATASOURCE_PASSWORD: "planted-datasource-password", REDIS_PASSWORD: "planted-redis-password" };
const project = "swarm-scaleout";

/** The members of the swarm as a look at a healthy one finds them. */
const observedNodes = {
	"pulumi-nodejs:dynamic/scaleout:SwarmNode": (name: string, { role }: Props) => ({
		nodeId: `node-id-of-${name}`,
		observed: { role, availability: "active", state: "ready" },
	}),
};

/** The stack of docs/previews.md, deployed. */
export async function sampleStack(directory: string): Promise<TestStack> {
	return deployedStack("sample", directory, sampleConfig(), "planted-private-key\n");
}

/** Its configuration, to be changed. */
export function sampleConfig(): Props {
	return (parse(fs.readFileSync(configFile, "utf8")) as { config: Props }).config;
}

/**
 * A stack as an `up` would have left it, of hosts that exist nowhere: for previews, and an `up` that changes nothing, by the real engine.
 *
 * @param privateKey What the file of the hosts' private key holds.
 */
export async function deployedStack(name: string, directory: string, config: Props, privateKey: string): Promise<TestStack> {
	// The program writes key files below the home directory, and the state names them.
	const home = { HOME: path.join(directory, "home"), PULUMI_HOME: process.env.PULUMI_HOME ?? path.join(process.env.HOME ?? "", ".pulumi") };
	fs.mkdirSync(home.HOME, { recursive: true });
	Object.assign(process.env, home, sampleEnvironment);
	const privateKeyFile = path.join(directory, "key");
	fs.writeFileSync(privateKeyFile, privateKey, { mode: 0o600 });
	const stack = new TestStack(
		name,
		path.join(directory, "stack"),
		{ ...config, [`${project}:existing`]: { privateKeyFile } },
		{ ...sampleEnvironment, HOME: home.HOME },
	);
	await stack.init();
	const recorder = new Recorder(observedNodes);
	const outputs = await runProgram(recorder, stack.config, stack.name);
	const versions = Object.fromEntries(["command", "docker"].map((name) => [name, require(`@pulumi/${name}/package.json`).version]));
	const empty = JSON.parse((await stack.run("stack", "export", "--stack", stack.name)).output);
	const file = path.join(directory, "deployment.json");
	const deployment = deploymentOf(recorder.resources, outputs, { project, stack: stack.name, versions }, empty);
	fs.writeFileSync(file, JSON.stringify(deployment), { mode: 0o600 });
	const imported = await stack.run("stack", "import", "--stack", stack.name, "--file", file);
	fs.rmSync(file);
	if (imported.code !== 0) throw new Error(imported.output);
	return stack;
}
