import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { projectDirectory } from "../fixtures.ts";

/* The scripts on the hosts, by shellcheck. It is no package of npm: where it is not installed, CI says what it finds. */

test("shellcheck finds nothing wrong with the scripts on the hosts", (context) => {
	context.skip(spawnSync("shellcheck", ["--version"]).status !== 0, "there is no shellcheck here: apt-get install shellcheck");
	const files = fs.readdirSync(path.join(projectDirectory, "host"), { recursive: true, encoding: "utf8" });
	const scripts = files.filter((name) => name.endsWith(".sh")).map((name) => path.join("host", name));
	expect(scripts.length).toBeGreaterThan(30);
	expect(spawnSync("shellcheck", ["-x", ...scripts], { cwd: projectDirectory, encoding: "utf8" })).toMatchObject({ stdout: "", status: 0 });
});
