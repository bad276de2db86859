import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adoptScript, refuseOtherLines } from "../../../components/exportAdoption.ts";

// The scripts run here as they are, but with another /etc and an `exportfs` that only says that it was called.
let root: string;
let logs: string;
const etc = () => path.join(root, "etc");
const read = (name: string) => fs.readFileSync(path.join(etc(), name), "utf8");
const write = (exports: string) => fs.writeFileSync(path.join(etc(), "exports"), exports);

beforeEach(() => {
	root = fs.mkdtempSync(path.join(os.tmpdir(), "export-adoption-"));
	logs = path.join(root, "main-was-logs");
	for (const directory of ["etc/exports.d", "main-was-logs", "bin"]) fs.mkdirSync(path.join(root, directory), { recursive: true });
	fs.chmodSync(logs, 0o777);
	fs.writeFileSync(path.join(root, "bin/exportfs"), `#!/bin/sh\necho "$*" >> ${root}/exportfs\n`, { mode: 0o755 });
});

afterEach(() => fs.rmSync(root, { recursive: true }));

function run(script: string) {
	const elsewhere = script.replaceAll("/etc/exports", `${etc()}/exports`);
	const env = { ...process.env, PATH: `${root}/bin:${process.env.PATH}` };
	const { status, stderr } = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", elsewhere], { env, encoding: "utf8" });
	return { status, stderr: stderr.replaceAll(root, "") };
}

const line = (client: string, options = "rw,sync,no_subtree_check") => `${logs} ${client}(${options})\n`;
const exported = (...clients: string[]) =>
	clients.map((client) => ({ client, file: `/etc/exports.d/${client.replace("/", "-")}.exports`, line: line(client) }));
const adopt = (...clients: string[]) =>
	run(adoptScript(logs, exported(...clients), { owner: `${process.getuid?.()}:${process.getgid?.()}`, mode: "0777" }));

describe("an export of /etc/exports is taken over", () => {
	test("by files of the stack; other lines and comments stay, and a second run finds nothing to do", () => {
		write(`# by hand\n/srv/other 10.0.0.1(ro)\n${line("192.168.0.0/16", "sync,no_subtree_check,rw")}`);
		expect(adopt("192.168.0.0/16")).toEqual({ status: 0, stderr: "" });
		expect(read("exports").replaceAll(root, "")).toBe(
			"# by hand\n/srv/other 10.0.0.1(ro)\n# Taken over by Pulumi, see /etc/exports.d: /main-was-logs 192.168.0.0/16(sync,no_subtree_check,rw)\n",
		);
		expect(read("exports.d/192.168.0.0-16.exports")).toBe(line("192.168.0.0/16"));
		expect(fs.readFileSync(path.join(root, "exportfs"), "utf8")).toBe("-ra\n");
		expect(adopt("192.168.0.0/16").status).toBe(0);
		expect(fs.readFileSync(path.join(root, "exportfs"), "utf8")).toBe("-ra\n");
	});

	test("with all clients of a line, and those that the configuration has beside them", () => {
		write(`${logs}\t10.0.0.1(rw,sync,no_subtree_check) 10.0.0.2(rw,sync,no_subtree_check) # both\n`);
		expect(adopt("10.0.0.1", "10.0.0.2", "10.0.0.3").status).toBe(0);
		expect(fs.readdirSync(path.join(etc(), "exports.d")).sort()).toEqual(["10.0.0.1.exports", "10.0.0.2.exports", "10.0.0.3.exports"]);
	});

	test.each([
		["there is no such file", undefined],
		["it exports something else", "/srv 10.0.0.1(rw)\n"],
		["it is a comment there", "#/main-was-logs 10.0.0.1(rw)\n"],
	])("not when %s", (_what, exports) => {
		if (exports) write(exports.replace("/main", `${root}/main`));
		expect(adopt("10.0.0.1")).toEqual({ status: 0, stderr: "" });
		expect(fs.readdirSync(path.join(etc(), "exports.d"))).toEqual([]);
		expect(fs.existsSync(path.join(root, "exportfs"))).toBe(false);
	});
});

describe("what would be lost is refused, with every difference, and nothing is touched", () => {
	test.each<[string, { mode?: number; exports: () => string }, RegExp[]]>([
		["a client", { exports: () => line("10.0.0.9") + line("10.0.0.1") }, [/exported to 10\.0\.0\.9\(no_subtree_check,rw,sync\) there/]],
		[
			"an option",
			{ exports: () => line("10.0.0.1", "rw,async,no_subtree_check") },
			[/exported to 10\.0\.0\.1\(async,no_subtree_check,rw\) there/],
		],
		["the directory's mode", { mode: 0o750, exports: () => line("10.0.0.1") }, [/mode of the directory is 0750 there, 0777/]],
		[
			"a line that goes on in the next",
			{ exports: () => `${logs} 10.0.0.1(rw,sync,no_subtree_check) \\\n 10.0.0.2(rw)\n` },
			[/write it as one/],
		],
		["several", { mode: 0o700, exports: () => line("10.0.0.8") }, [/10\.0\.0\.8/, /0700 there/]],
	])("%s", (_what, { mode = 0o777, exports }, found) => {
		fs.chmodSync(logs, mode);
		write(exports());
		const before = read("exports");
		const { status, stderr } = adopt("10.0.0.1");
		expect(status).toBe(1);
		expect(stderr).toMatch(/^logs\.adopt: what .* differs from the configuration:\n[\s\S]*configure what it has/);
		for (const difference of found) expect(stderr).toMatch(difference);
		expect(read("exports")).toBe(before);
		expect(fs.readdirSync(path.join(etc(), "exports.d"))).toEqual([]);
		expect(fs.existsSync(path.join(root, "exportfs"))).toBe(false);
	});
});

test("without logs.adopt, lines of others are refused by what to do; those of other directories are not", () => {
	write("/srv 10.0.0.1(rw)\n");
	expect(run(`path=${logs}\n${refuseOtherLines}`)).toEqual({ status: 0, stderr: "" });
	write(line("10.0.0.1"));
	const { status, stderr } = run(`path=${logs}\n${refuseOtherLines}`);
	expect(status).toBe(1);
	expect(stderr).toMatch(/^logs\.path = "\/main-was-logs": .* exports it already: set logs\.adopt to true .* or remove it there/);
});
