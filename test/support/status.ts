import { spawnSync } from "node:child_process";
import type { Observed } from "../../cli/observe.ts";
import { projectDirectory, type TestStack } from "./stack.ts";

interface Status {
	/** 0: all is well, 1: something is wrong, 2: it cannot be told. */
	code: number | null;
	report: Observed & { healthy: boolean; problems: string[] };
}

/** What `npm run status` says of a stack. @throws Error with its message when it says nothing. */
export function statusOf({ name, env }: Pick<TestStack, "name" | "env">): Status {
	const args = ["cli/status.ts", "--stack", name, "--json"];
	const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: projectDirectory, env, encoding: "utf8" });
	if (!stdout) throw new Error(stderr);
	return { code: status, report: JSON.parse(stdout) };
}
