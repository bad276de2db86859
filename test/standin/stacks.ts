import * as path from "node:path";
import { TestStack } from "../support/stack.ts";
import { installStandin } from "./install.ts";

/** A stack of the example program here, with the stand-in as the plugin of @pulumi/aws. `config` is without the project's name. */
export function exampleStack(name: string, directory: string, config: Record<string, unknown>, env: NodeJS.ProcessEnv): TestStack {
	const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`standin-example:${key}`, value]));
	const stack = new TestStack(name, directory, named, env, path.join(import.meta.dirname, "example"));
	installStandin(stack.env.PULUMI_HOME as string);
	return stack;
}
