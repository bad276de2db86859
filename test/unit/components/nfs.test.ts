import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { clientsOf, exportScript, exportsLine, lookAtExports, lookAtOtherExports, serverScript } from "../../../components/nfs.ts";
import { type Raw, syntaxFault, topology } from "../fixtures.ts";

const logsWith = (logs: Raw) =>
	topology((config) => {
		config.logs = logs;
	}).logs;
const apps = [{ address: "192.168.2.137" }, { address: "192.168.3.5" }];

const lines = (logs: ReturnType<typeof logsWith>) => clientsOf(logs, apps).map((client) => exportsLine(logs, client));

describe("the exports line", () => {
	test("per client: each app node by its address, all squashed to one user", () => {
		const options = "rw,sync,no_subtree_check,all_squash,anonuid=10001,anongid=10001";
		expect(lines(logsWith({}))).toEqual([`/mnt/main-was-logs 192.168.2.137(${options})\n`, `/mnt/main-was-logs 192.168.3.5(${options})\n`]);
	});

	test("network: the source system's line, to the letter", () => {
		const logs = logsWith({ access: "network", clients: ["192.168.0.0/16"] });
		expect(lines(logs)).toEqual(["/mnt/main-was-logs 192.168.0.0/16(rw,sync,no_subtree_check)\n"]);
	});

	test("options stay in the order they were given", () => {
		const logs = logsWith({ access: "network", clients: ["10.0.0.1", "10.1.0.0/16"], exportOptions: ["ro", "async", "fsid=0"] });
		expect(lines(logs)).toEqual(["/mnt/main-was-logs 10.0.0.1(ro,async,fsid=0)\n", "/mnt/main-was-logs 10.1.0.0/16(ro,async,fsid=0)\n"]);
	});

	test("no client but the app nodes, whoever else is named", () => {
		expect(clientsOf(logsWith({ clients: ["10.0.0.0/8"] }), apps)).toEqual(["192.168.2.137", "192.168.3.5"]);
	});
});

describe("the script that exports", () => {
	test.each([
		["per-client", {}, "chown 10001:10001 $path", "chmod 0750 $path"],
		["per-client with a user of its own", { uid: 7, gid: 8 }, "chown 7:8 $path", "chmod 0750 $path"],
		[
			"network, as the source system has it",
			{ access: "network", clients: ["192.168.0.0/16"] },
			"chown nobody:nogroup $path",
			"chmod 0777 $path",
		],
	])("is bash, and sets owner and mode: %s", (_access, logs, owner, mode) => {
		const script = serverScript(logsWith(logs));
		expect(syntaxFault(script)).toBe("");
		expect(script.split("\n")).toEqual(expect.arrayContaining(["path=/mnt/main-was-logs", owner, mode]));
	});

	test("is bash for a client, too", () => {
		expect(syntaxFault(exportScript("/etc/exports.d/scaleout-logs-10.0.0.1.exports"))).toBe("");
	});
});

describe("a look at the live exports", () => {
	const live = "/logs  10.0.0.1(sync,rw)\n/logs  10.0.0.10(sync,rw)\n/logs  10.2.0.0/16(ro)\n/other  10.0.0.1(ro)\n";
	const look = (script: string) => {
		const exportfs = `exportfs() { printf '%s' "$live"; }`;
		return execFileSync("bash", ["--norc", "-euo", "pipefail", "-c", `${exportfs}\n${script}`], {
			env: { ...process.env, live },
			encoding: "utf8",
		});
	};

	test("tells one client's, and no other's that begins like it", () => {
		expect(look(lookAtExports("/logs", "10.0.0.1"))).toBe("live export of /logs to 10.0.0.1\tsync,rw\n");
		expect(look(lookAtExports("/logs", "10.2.0.0/16"))).toBe("live export of /logs to 10.2.0.0/16\tro\n");
		expect(look(lookAtExports("/logs", "10.0.0.2"))).toBe("");
	});

	test("tells those that no file asks for", () => {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-exports-"));
		try {
			const other = () =>
				look(lookAtOtherExports("/logs", `${directory}/logs`))
					.split("\n")
					.filter(Boolean);
			expect(other()).toHaveLength(3);
			fs.writeFileSync(`${directory}/logs-10.0.0.1.exports`, "/logs 10.0.0.1(rw)\n");
			expect(other()).toEqual(["live export of /logs to 10.0.0.10\tsync,rw", "live export of /logs to 10.2.0.0/16\tro"]);
			fs.writeFileSync(`${directory}/logs-10.0.0.10.exports`, "/logs 10.0.0.10(rw)\n");
			fs.writeFileSync(`${directory}/logs-10.2.0.0-16.exports`, "/logs 10.2.0.0/16(ro)\n");
			expect(other()).toEqual([]);
		} finally {
			fs.rmSync(directory, { recursive: true });
		}
	});
});
