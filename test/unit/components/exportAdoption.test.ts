import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { clientOf, serverStep } from "../../../components/nfs.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep } from "../../support/step.ts";
import { topology } from "../fixtures.ts";

let host: StandInHost;
let logs: string;
const at = (name: string) => path.join(host.root, "etc", name);
const read = (name: string) => fs.readFileSync(at(name), "utf8");
const write = (exports: string) => fs.writeFileSync(at("exports"), exports);

eachOnHost((fresh) => {
	host = fresh;
	logs = path.join(host.root, "mnt/main-was-logs");
	fs.mkdirSync(logs, { recursive: true });
	fs.chmodSync(logs, 0o777);
});

/** The step of the export's server, and how often it has called exportfs by then. `owner`: what the configuration says of the directory. */
function serve(adopt: boolean, clients: string[], owner = `${process.getuid?.()}:${process.getgid?.()}`) {
	const wanted = { ...topology().logs, path: logs, access: "network" as const, clients, adopt };
	const own = "/etc/exports.d/own";
	const named = clients.map((client) => ({ ...clientOf(client, wanted, own), file: `${own}-${client.replace("/", "-")}.exports` }));
	const step = serverStep(wanted, named, own, "logs-clients");
	const noted = `exportfs() { said exportfs "$@"; }; export -f exportfs`;
	const { status, stderr } = runStep(host, { ...step, settings: { ...step.settings, owner } }, noted);
	return { status, stderr: stderr.replaceAll(host.root, ""), exported: host.calls("exportfs").filter(([, flag]) => flag === "-ra").length };
}
const adopt = (...clients: string[]) => serve(true, clients);
const line = (client: string, options = "rw,sync,no_subtree_check") => `${logs} ${client}(${options})\n`;

describe("an export of /etc/exports is taken over", () => {
	test("by files of the stack; other lines and comments stay, and a second run finds nothing to do", () => {
		write(`# by hand\n/srv/other 10.0.0.1(ro)\n${line("192.168.0.0/16", "sync,no_subtree_check,rw")}`);
		expect(adopt("192.168.0.0/16")).toEqual({ status: 0, stderr: "", exported: 2 });
		expect(read("exports").replaceAll(host.root, "")).toBe(
			"# by hand\n/srv/other 10.0.0.1(ro)\n# Taken over by Pulumi, see /etc/exports.d: /mnt/main-was-logs 192.168.0.0/16(sync,no_subtree_check,rw)\n",
		);
		expect(read("exports.d/own-192.168.0.0-16.exports")).toBe(
			clientOf("192.168.0.0/16", { ...topology().logs, path: logs, access: "network" }, "").line,
		);
		const files = () => ["exports", "exports.d/own-192.168.0.0-16.exports"].map((name) => fs.statSync(at(name)).ino);
		const before = files();
		expect(adopt("192.168.0.0/16")).toEqual({ status: 0, stderr: "", exported: 3 });
		expect(files()).toEqual(before);
	});

	test("with all clients of a line, and those that the configuration has beside them", () => {
		write(`${logs}\t10.0.0.1(rw,sync,no_subtree_check) 10.0.0.2(rw,sync,no_subtree_check) # both\n`);
		expect(adopt("10.0.0.1", "10.0.0.2", "10.0.0.3").status).toBe(0);
		expect(fs.readdirSync(at("exports.d")).sort()).toEqual(["own-10.0.0.1.exports", "own-10.0.0.2.exports", "own-10.0.0.3.exports"]);
	});

	test.each([
		["there is no such file", undefined],
		["it exports something else", "/srv 10.0.0.1(rw)\n"],
		["it is a comment there", "#/mnt/main-was-logs 10.0.0.1(rw)\n"],
	])("not when %s", (_what, exports) => {
		if (exports) write(exports.replace("/mnt", `${host.root}/mnt`));
		// Once, as each time that the step is done.
		expect(adopt("10.0.0.1")).toEqual({ status: 0, stderr: "", exported: 1 });
		expect(fs.readdirSync(at("exports.d"))).toEqual([]);
	});
});

describe("what would be lost is refused, with every difference, and nothing is touched", () => {
	test.each<[string, { mode?: number; owner?: string; exports: () => string }, RegExp[]]>([
		["a client", { exports: () => line("10.0.0.9") + line("10.0.0.1") }, [/exported to 10\.0\.0\.9\(no_subtree_check,rw,sync\) there/]],
		[
			"an option",
			{ exports: () => line("10.0.0.1", "rw,async,no_subtree_check") },
			[/exported to 10\.0\.0\.1\(async,no_subtree_check,rw\) there/],
		],
		["the directory's mode", { mode: 0o750, exports: () => line("10.0.0.1") }, [/mode of the directory is 0750 there, 0777/]],
		["its owner", { owner: "daemon:daemon", exports: () => line("10.0.0.1") }, [/owner of the directory is \S+ there, daemon:daemon/]],
		[
			"a line that goes on in the next",
			{ exports: () => `${logs} 10.0.0.1(rw,sync,no_subtree_check) \\\n 10.0.0.2(rw)\n` },
			[/write it as one/],
		],
		["several", { mode: 0o700, exports: () => line("10.0.0.8") }, [/10\.0\.0\.8/, /0700 there/]],
	])("%s", (_what, { mode = 0o777, owner, exports }, found) => {
		fs.chmodSync(logs, mode);
		write(exports());
		const before = read("exports");
		const { status, stderr, exported } = serve(true, ["10.0.0.1"], owner);
		expect(status).toBe(1);
		expect(stderr).toMatch(/^logs\.adopt: what .* differs from the configuration:\n[\s\S]*configure what it has/);
		for (const difference of found) expect(stderr).toMatch(difference);
		expect(read("exports")).toBe(before);
		expect(fs.readdirSync(at("exports.d"))).toEqual([]);
		expect(fs.statSync(logs).mode & 0o777).toBe(mode);
		expect(exported).toBe(0);
	});
});

test("without logs.adopt, lines of others are refused by what to do; those of other directories are not", () => {
	write("/srv 10.0.0.1(rw)\n");
	expect(serve(false, ["10.0.0.1"])).toEqual({ status: 0, stderr: "", exported: 1 });
	write(line("10.0.0.1"));
	const { status, stderr } = serve(false, ["10.0.0.1"]);
	expect(status).toBe(1);
	expect(stderr).toMatch(/^logs\.path = "\/mnt\/main-was-logs": .* exports it already: set logs\.adopt to true .* or remove it there/);
});
