import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";

const require = createRequire(import.meta.url);
const { version } = require("@pulumi/aws/package.json");

/**
 * Gives a PULUMI_HOME a plugin directory of its own: what it linked to, and the stand-in as the plugin of @pulumi/aws. The linked
 * directory itself stays as it is.
 */
export function installStandin(home: string): void {
	const plugins = path.join(home, "plugins");
	if (!fs.lstatSync(plugins).isSymbolicLink()) return;
	const shared = fs.realpathSync(plugins);
	fs.unlinkSync(plugins);
	const standin = `resource-aws-v${version}`;
	// The engine takes only real directories for plugins: their files are links.
	for (const name of fs.readdirSync(shared)) {
		if (name.startsWith("resource-aws-") || !fs.statSync(path.join(shared, name)).isDirectory()) continue;
		fs.mkdirSync(path.join(plugins, name), { recursive: true });
		for (const file of fs.readdirSync(path.join(shared, name))) {
			fs.symlinkSync(path.join(shared, name, file), path.join(plugins, name, file));
		}
	}
	fs.mkdirSync(path.join(plugins, standin), { recursive: true });
	fs.symlinkSync(path.join(import.meta.dirname, "pulumi-resource-aws"), path.join(plugins, standin, "pulumi-resource-aws"));
}

/** What tells the plugin to hand each instance a local machine. Without it, instances live in the emulator alone. */
export function withMachines(directory: string): Record<string, string> {
	return { SCALEOUT_STANDIN_MACHINES: path.resolve(directory) };
}
