import { describe, expect, test } from "vitest";
import { exportScript, exportsLine } from "../../../components/nfs.ts";
import { type Raw, syntaxFault, topology } from "../fixtures.ts";

const logsWith = (logs: Raw) =>
	topology((config) => {
		config.logs = logs;
	}).logs;
const apps = [{ address: "192.168.2.137" }, { address: "192.168.3.5" }];

describe("the exports line", () => {
	test("per client: each app node by its address, all squashed to one user", () => {
		const options = "rw,sync,no_subtree_check,all_squash,anonuid=10001,anongid=10001";
		expect(exportsLine(logsWith({}), apps)).toBe(`/mnt/main-was-logs 192.168.2.137(${options}) 192.168.3.5(${options})\n`);
	});

	test("network: the source system's line, to the letter", () => {
		const logs = logsWith({ access: "network", clients: ["192.168.0.0/16"] });
		expect(exportsLine(logs, apps)).toBe("/mnt/main-was-logs 192.168.0.0/16(rw,sync,no_subtree_check)\n");
	});

	test("options stay in the order they were given", () => {
		const logs = logsWith({ access: "network", clients: ["10.0.0.1", "10.1.0.0/16"], exportOptions: ["ro", "async", "fsid=0"] });
		expect(exportsLine(logs, [])).toBe("/mnt/main-was-logs 10.0.0.1(ro,async,fsid=0) 10.1.0.0/16(ro,async,fsid=0)\n");
	});

	test("no client but the app nodes, whoever else is named", () => {
		expect(exportsLine(logsWith({ clients: ["10.0.0.0/8"] }), apps)).not.toContain("10.0.0.0/8");
	});
});

describe("the script that exports", () => {
	const file = "/etc/exports.d/scaleout-logs.exports";

	test.each([
		["per-client", {}, "chown 10001:10001 /mnt/main-was-logs", "chmod 0750 /mnt/main-was-logs"],
		["per-client with a user of its own", { uid: 7, gid: 8 }, "chown 7:8 /mnt/main-was-logs", "chmod 0750 /mnt/main-was-logs"],
		[
			"network, as the source system has it",
			{ access: "network", clients: ["192.168.0.0/16"] },
			"chown nobody:nogroup /mnt/main-was-logs",
			"chmod 0777 /mnt/main-was-logs",
		],
	])("is bash, and sets owner and mode: %s", (_access, logs, owner, mode) => {
		const script = exportScript(file, logsWith(logs));
		expect(syntaxFault(script)).toBe("");
		expect(script.split("\n")).toEqual(expect.arrayContaining([owner, mode]));
	});

	test("the line comes by standard input, not in the script", () => {
		expect(exportScript(file, logsWith({}))).not.toContain("no_subtree_check");
	});
});
