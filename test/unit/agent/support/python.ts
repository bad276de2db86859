import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { projectDirectory } from "../../fixtures.ts";

/** Runs Python with the agent's modules at hand; what it prints as JSON. */
export function python(script: string, ...args: string[]): unknown {
	const { stdout, stderr, status } = spawnSync("python3", ["-B", "-c", script, ...args], {
		encoding: "utf8",
		env: { ...process.env, PYTHONPATH: path.join(projectDirectory, "host", "agents") },
	});
	if (status !== 0) throw new Error(stderr);
	return JSON.parse(stdout);
}
