import * as fs from "node:fs";
import * as path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { clientOf, clientsOf, clientsStep, serverStep } from "../../../components/nfs.ts";
import { scriptText } from "../../../host/kit.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep, undoStep } from "../../support/step.ts";
import { type Raw, topology } from "../fixtures.ts";

const logsWith = (logs: Raw) =>
	topology((config) => {
		config.logs = logs;
	}).logs;
const apps = [{ address: "192.168.2.137" }, { address: "192.168.3.5" }];

const lines = (logs: ReturnType<typeof logsWith>) =>
	clientsOf(logs, apps).map((client) => clientOf(client, logs, "/etc/exports.d/own").line);

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

describe("on the log host", () => {
	let host: StandInHost;
	eachOnHost((fresh) => {
		host = fresh;
	});
	const at = (file: string) => path.join(host.root, file);

	test.each([
		["per-client", {}, "10001:10001", "750"],
		["per-client with a user of its own", { uid: 7, gid: 8 }, "7:8", "750"],
		["network, as the source system has it", { access: "network", clients: ["192.168.0.0/16"] }, "nobody:nogroup", "777"],
	])("the directory has owner and mode: %s", (_access, logs, owner, mode) => {
		const step = serverStep(logsWith(logs), [], "/etc/exports.d/own", "logs-clients");
		const { status, stderr } = runStep(host, step);
		expect(status, stderr).toBe(0);
		expect(host.calls("chown")).toEqual([["chown", owner, at("/mnt/main-was-logs")]]);
		expect(host.files()).toContainEqual({ path: "/mnt/main-was-logs", mode, isDirectory: true });
	});

	describe("the clients' lines", () => {
		const fileOf = (client: string, path = "/logs") => `/etc/exports.d/own+${client}-${path.slice(1)}.exports`;
		const step = (clients: Record<string, string>, path = "/logs") => {
			const lines = Object.entries(clients).map(([client, options]) => [client, `${path} ${client}(${options})\n`] as const);
			return clientsStep(
				path,
				lines.map(([client, line]) => ({ client, line, file: fileOf(client, path) })),
				"/etc/exports.d/own",
			);
		};
		const server = serverStep(logsWith({}), [], "/etc/exports.d/own", "record");
		const exported = () =>
			fs
				.readdirSync(at("/etc/exports.d"))
				.filter((name) => name.endsWith(".exports"))
				.sort()
				.map((name) => fs.readFileSync(at(`/etc/exports.d/${name}`), "utf8").trim());
		/** An exportfs that refuses, or only warns, while there is a bad option. */
		const exportfs = (status = 1) =>
			`exportfs() { said exportfs "$@"; ! grep -sq bad /etc/exports.d/* || { echo "unknown keyword" >&2; return ${status}; }; }; export -f exportfs`;
		const carryOut = (of: ReturnType<typeof step>, status?: number) => runStep(host, of, exportfs(status));
		const takeBack = (of: ReturnType<typeof step>) => expect(undoStep(host, of, exportfs()).status).toBe(0);
		beforeEach(() => fs.mkdirSync(at("/etc/exports.d"), { recursive: true }));

		test("are put in files of their own and exported at once", () => {
			expect(carryOut(step({ "10.0.0.1": "rw", "10.0.0.2": "rw" }))).toMatchObject({ status: 0, stderr: "" });
			expect(exported()).toEqual(["/logs 10.0.0.1(rw)", "/logs 10.0.0.2(rw)"]);
			expect(host.calls("exportfs").filter(([, flag]) => flag === "-ra")).toHaveLength(1);
		});

		test("of one that goes stays until the list of before is taken back; of those that stay it is never gone", () => {
			const [before, after] = [step({ "10.0.0.1": "rw", "10.0.0.2": "rw" }), step({ "10.0.0.2": "rw", "10.0.0.3": "rw" })];
			expect(before.replaces).not.toEqual(after.replaces);
			carryOut(before);
			carryOut(after);
			expect(exported()).toEqual(["/logs 10.0.0.1(rw)", "/logs 10.0.0.2(rw)", "/logs 10.0.0.3(rw)"]);
			takeBack(before);
			expect(exported()).toEqual(["/logs 10.0.0.2(rw)", "/logs 10.0.0.3(rw)"]);
		});

		test("of another path come beside those of before, which go at the end", () => {
			const [before, after] = [step({ "10.0.0.1": "rw" }), step({ "10.0.0.1": "rw" }, "/other")];
			expect(before.replaces).not.toEqual(after.replaces);
			carryOut(before);
			carryOut(after);
			expect(exported()).toEqual(["/logs 10.0.0.1(rw)", "/other 10.0.0.1(rw)"]);
			takeBack(before);
			expect(exported()).toEqual(["/other 10.0.0.1(rw)"]);
		});

		test("stay when lists of before are taken back late, and in any order: one of them may be the same as today's", () => {
			const lists = [step({ "10.0.0.1": "rw" }), step({ "10.0.0.1": "rw", "10.0.0.2": "rw" }), step({ "10.0.0.1": "rw" })] as const;
			for (const list of lists) carryOut(list);
			takeBack(lists[0]);
			expect(exported()).toContain("/logs 10.0.0.1(rw)");
			takeBack(lists[1]);
			expect(exported()).toEqual(["/logs 10.0.0.1(rw)"]);
		});

		test("that an up let in which was killed before it noted them lose it with the next list that is taken back", () => {
			const before = step({ "10.0.0.1": "rw" });
			carryOut(before);
			carryOut(step({ "10.0.0.1": "rw", "10.0.0.2": "rw" }));
			carryOut(step({ "10.0.0.1": "rw", "10.0.0.3": "rw" }));
			takeBack(before);
			expect(exported()).toEqual(["/logs 10.0.0.1(rw)", "/logs 10.0.0.3(rw)"]);
		});

		test("with other options are the same list", () => {
			expect(step({ "10.0.0.1": "rw" }).replaces).toEqual(step({ "10.0.0.1": "ro" }).replaces);
		});

		test("of a stack whose name begins like this one's stay, and are none of this one's", () => {
			carryOut(step({ "10.0.0.1": "rw" }));
			fs.writeFileSync(at("/etc/exports.d/own-logs+10.0.0.1-logs.exports"), "/logs 10.0.0.9(rw)\n");
			expect(undoStep(host, { ...server, settings: { ...server.settings, files: "/etc/exports.d/own" } }, exportfs()).status).toBe(0);
			expect(exported()).toEqual(["/logs 10.0.0.9(rw)"]);
		});

		test("go with the export, whatever is still there of lists of before", () => {
			const list = step({ "10.0.0.1": "rw" });
			carryOut(step({ "10.0.0.2": "rw" }));
			carryOut(list);
			takeBack(list);
			expect(undoStep(host, { ...server, settings: { ...server.settings, files: "/etc/exports.d/own" } }, exportfs()).status).toBe(0);
			expect(exported()).toEqual([]);
			expect(host.calls("exportfs").at(-1)).toEqual(["exportfs", "-ra"]);
		});

		test.each([
			["refuses", 1],
			["warns of", 0],
		])("that exportfs %s never take the place of ones that work", (_what, status) => {
			for (const before of [{}, { "10.0.0.1": "rw" }] as Record<string, string>[]) {
				if (Object.keys(before).length > 0) expect(carryOut(step(before), status).status).toBe(0);
				const refused = carryOut(step({ "10.0.0.1": "ro", "10.0.0.2": "bad" }), status);
				expect(refused.status).toBe(1);
				expect(refused.stderr).toMatch(/^logs\.exportOptions: exportfs refuses the export: unknown keyword\n/);
				expect(exported()).toEqual(Object.entries(before).map(([client, options]) => `/logs ${client}(${options})`));
				// And the kernel has it again.
				expect(host.calls("exportfs").at(-1)).toEqual(["exportfs", "-ra"]);
			}
		});
	});

	describe("a look at the live exports", () => {
		const live = "/logs  10.0.0.1(sync,rw)\n/logs  10.0.0.10(sync,rw)\n/logs  10.2.0.0/16(ro)\n/other  10.0.0.1(ro)\n";
		/** As a refresh does it. */
		const look = (check: string) => {
			const exportfs = `exportfs() { [ "$*" = -s ] && printf '%s' '${live}'; }`;
			return host.run(`${exportfs}\n${scriptText("checks")}\nrun_checks`, `${check}\n`).stdout;
		};

		test("tells one client's, and no other's that begins like it", () => {
			expect(look("live-export /logs 10.0.0.1")).toBe("live export of /logs to 10.0.0.1\tsync,rw\n");
			expect(look("live-export /logs 10.2.0.0/16")).toBe("live export of /logs to 10.2.0.0/16\tro\n");
			expect(look("live-export /logs 10.0.0.2")).toBe("");
		});

		test("tells those that no file asks for", () => {
			const other = () =>
				look(`other-exports /logs ${at("/etc/exports.d/logs")}`)
					.split("\n")
					.filter(Boolean);
			fs.mkdirSync(at("/etc/exports.d"));
			const write = (client: string, line: string) => fs.writeFileSync(at(`/etc/exports.d/logs+${client}.exports`), line);
			expect(other()).toHaveLength(3);
			write("10.0.0.1", "/logs 10.0.0.1(rw)\n");
			expect(other()).toEqual(["live export of /logs to 10.0.0.10\tsync,rw", "live export of /logs to 10.2.0.0/16\tro"]);
			write("10.0.0.10", "/logs 10.0.0.10(rw)\n");
			write("10.2.0.0-16", "/logs 10.2.0.0/16(ro)\n");
			expect(other()).toEqual([]);
		});
	});
});
