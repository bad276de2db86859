import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";

/*
 * Whether the Pulumi engine can be used: the pinned launcher finds or downloads the CLI, and the CLI the plugins. Run as a program it
 * prints the reason why not, and exits with 1.
 */

const require = createRequire(import.meta.url);
const launcher = path.join(import.meta.dirname, "..", "node_modules", ".bin", "pulumi");
const plugins = ["command", "docker"];

/** Undefined when the engine can be used, else why not, in one line. */
export function missingEngine(): string | undefined {
	const version = run("version");
	if (version) return `the Pulumi CLI is not installed and cannot be downloaded (${version})`;
	for (const name of plugins) {
		const { version: wanted } = require(`@pulumi/${name}/package.json`);
		const problem = run("plugin", "install", "resource", name, wanted);
		if (problem) return `the plugin ${name} ${wanted} is not installed and cannot be downloaded (${problem})`;
	}
	return undefined;
}

function run(...args: string[]): string | undefined {
	const { status, stderr, error } = spawnSync(launcher, args, { encoding: "utf8", timeout: 300_000 });
	if (status === 0) return undefined;
	return (error?.message ?? stderr.trim().split("\n").at(-1) ?? "no reason given").slice(0, 200);
}

if (process.argv[1] === import.meta.filename) {
	const missing = missingEngine();
	if (missing) {
		process.stdout.write(`${missing}\n`);
		process.exitCode = 1;
	}
}
