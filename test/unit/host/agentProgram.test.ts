import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { programPath, stepProgram, systemdQuote } from "../../../host/agentProgram.ts";

test.each([
	["plain", "/health?deep=1&x=a-b", "/health?deep=1&x=a-b"],
	["a percent sign, which begins a specifier", "/50%25", "/50%%25"],
	["a dollar sign, which begins a variable", "$HOME", '"$$HOME"'],
	["quotes and backslashes", `a"b'c\\d`, `"a\\"b'c\\\\d"`],
	["a line feed, which would begin another setting", "a\nExecStartPost=/bin/id", '"a\\nExecStartPost=/bin/id"'],
	["nothing", "", '""'],
	["a separator of commands", ";", '";"'],
])("a word of a unit's command line: %s", (_what, word, quoted) => {
	expect(systemdQuote(word)).toBe(quoted);
});

test("systemd finds one command, and nothing wrong with it, in a line of quoted words", (context) => {
	context.skip(spawnSync("systemd-analyze", ["--version"]).status !== 0, "there is no systemd-analyze here");
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-unit-"));
	const unit = path.join(directory, "hostile.service");
	const words = ["%n", "${HOME}", "a\nExecStart=/bin/missing", `"'`, "\\x41", ";", "| & # !"];
	fs.writeFileSync(unit, `[Service]\nExecStart=/bin/true ${words.map(systemdQuote).join(" ")}\n`);
	const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" });
	fs.rmSync(directory, { recursive: true });
	expect([status, stderr]).toEqual([0, ""]);
});

test("a program goes to a host with all that it imports, also by way of others, each once", () => {
	const { modules } = stepProgram("scaleout-x", "drain_agent");
	expect(modules).toEqual([...new Set(modules)]);
	expect(modules).toEqual(expect.arrayContaining(["scaleout_task", "scaleout_turns", "scaleout_docker"]));
	expect(modules.at(-1)).toBe("drain_agent");
	const directory = "/usr/local/lib/scaleout/scaleout-x";
	expect(stepProgram("scaleout-x", "registry_login")).toMatchObject({ directory, modules: ["scaleout_docker", "registry_login"] });
	expect(programPath("scaleout-x", "registry_login")).toBe(`${directory}/registry_login.py`);
});
