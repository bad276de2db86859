import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { labEnvironment } from "../support/lab.ts";
import { projectDirectory, TestStack } from "../support/stack.ts";
import { installStandin } from "./install.ts";

// biome-ignore lint/suspicious/noExplicitAny: configuration before it is checked
type Config = Record<string, any>;

/** A stack of the example program here, with the stand-in as the plugin of @pulumi/aws. `config` is without the project's name. */
export function exampleStack(name: string, directory: string, config: Record<string, unknown>, env: NodeJS.ProcessEnv): TestStack {
	const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`standin-example:${key}`, value]));
	const stack = new TestStack(name, directory, named, env, path.join(import.meta.dirname, "example"));
	installStandin(stack.env.PULUMI_HOME as string);
	return stack;
}

/**
 * The prod stack as it is in the tree, with the stand-in as the plugin of @pulumi/aws.
 *
 * @param change Changes the configuration; its keys are without the project's name.
 */
export function prodStack(directory: string, env: NodeJS.ProcessEnv, change: (config: Config) => void = () => {}): TestStack {
	const file = parse(fs.readFileSync(path.join(projectDirectory, "Pulumi.prod.yaml"), "utf8")) as { config: Config };
	const config = Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace("swarm-scaleout:", ""), value]));
	change(config);
	const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`swarm-scaleout:${key}`, value]));
	const stack = new TestStack("emulated", directory, named, { ...labEnvironment, ...env });
	installStandin(stack.env.PULUMI_HOME as string);
	return stack;
}
