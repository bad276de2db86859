import { spawnSync } from "node:child_process";
import { beforeEach, describe, expect, test } from "vitest";
import { projectDirectory } from "../fixtures.ts";

/* The programs on the nodes, by ruff (ruff.toml). It is no package of npm: where it is not installed, CI says what it finds. */

const isThere = spawnSync("ruff", ["--version"]).status === 0;
const ruff = (...args: string[]) =>
	spawnSync("ruff", [...args, "host/agents", "test/unit/agent"], { cwd: projectDirectory, encoding: "utf8" });

describe("ruff", () => {
	beforeEach((context) => context.skip(!isThere, "there is no ruff here: pipx install ruff"));

	test("finds nothing wrong with the programs on the nodes", () => {
		expect(ruff("check", "--no-cache", "--output-format=concise").stdout.trim()).toBe("All checks passed!");
	});

	test("would write them no other way", () => {
		expect(ruff("format", "--no-cache", "--check").stdout).toMatch(/^\d+ files already formatted\s*$/);
	});
});
