import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { lookAtProgram, programPath, programText, systemdQuote } from "../../../lib/agentProgram.ts";

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
	const files = [...programText("drain_agent").matchAll(/^#### (\S+)$/gm)].map(([, file]) => file);
	expect(files).toEqual([...new Set(files)]);
	expect(files).toEqual(expect.arrayContaining(["scaleout_task.py", "scaleout_turns.py", "scaleout_docker.py"]));
	expect(files.at(-1)).toBe("drain_agent.py");
	expect(programText("registry_login").match(/^#### \S+$/gm)).toEqual(["#### scaleout_docker.py", "#### registry_login.py"]);
});

test("a refresh looks at every file of a program, at its unit, and that it runs", () => {
	expect(programPath("scaleout-x", "registry_login")).toBe("/usr/local/lib/scaleout/scaleout-x/registry_login.py");
	expect(lookAtProgram("scaleout-x", "registry_login", "scaleout-x.timer")).toEqual([
		"file /usr/local/lib/scaleout/scaleout-x/scaleout_docker.py",
		"file /usr/local/lib/scaleout/scaleout-x/registry_login.py",
		"file /etc/systemd/system/scaleout-x.service",
		"file /etc/systemd/system/scaleout-x.timer",
		"unit scaleout-x.timer",
	]);
});
