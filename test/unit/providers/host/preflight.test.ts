import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { asRoot } from "../../../../lib/connection.ts";
import { newKeyPair } from "../../../../lib/sshKeys.ts";
import { preflight, preflightScript } from "../../../../providers/host/preflight.ts";
import { provider } from "../../../../providers/host/provider.ts";
import { connection } from "../../fixtures.ts";

const now = 1_700_000_000;
const good = ["os debian 12", "architecture x86_64", `clock ${now}`, "free 9000000"];
const problemsOf = (...lines: string[]) => preflight([...good, ...lines].join("\n"), now).problems;
const withLine = (line: string) => good.map((old) => (old.split(" ")[0] === line.split(" ")[0] ? line : old));

describe("preflight", () => {
	test("lets a host pass that has all that is needed", () => {
		expect(preflight(good.join("\n"), now)).toEqual({ os: "debian 12", architecture: "x86_64", problems: [] });
	});

	test.each([
		["os debian without a version", "the host runs debian without a version: use Debian 12 or 13"],
		["os centos 7", "the host runs centos 7: use Debian 12 or 13"],
		[`clock ${now + 93}`, "its clock is 93 s ahead of this machine's: let it be set by NTP"],
		[`clock ${now - 93}`, "its clock is 93 s behind this machine's"],
		["free 512000", "500 MiB are free in /var/lib, 1024 MiB are needed: make room"],
	])("stops at: %s", (line, problem) => {
		expect(preflight(withLine(line).join("\n"), now).problems).toEqual([expect.stringContaining(problem)]);
	});

	test("names each missing kernel module and an old Docker", () => {
		expect(problemsOf("lacks ip_vs", "lacks nfs", "docker 19.03.15")).toEqual([
			expect.stringContaining("no module ip_vs"),
			expect.stringContaining("no module nfs"),
			expect.stringContaining("Docker 19.03.15 is too old: install 20.10 or newer"),
		]);
	});

	test("refuses a Docker that is a snap", () => {
		expect(problemsOf("snap docker")).toEqual([expect.stringContaining("its Docker is a snap")]);
	});

	test("its script says on a real host what is read of it", () => {
		const { stdout, status } = spawnSync("sh", ["-c", asRoot("root", preflightScript(["app"]))], { encoding: "utf8" });
		expect(status).toBe(0);
		const { os, architecture, problems } = preflight(stdout, Date.now() / 1000);
		expect(os).toMatch(/^\w+ [\d.]+$/);
		expect(architecture).toMatch(/^\w+$/);
		// A kernel without NFS, or another distribution, may be what this machine has.
		expect(problems.filter((problem) => !/no module nfs|the host runs/.test(problem))).toEqual([]);
	});
});

describe("a refresh of a host that does not answer", () => {
	// A port that nothing listens at.
	const state = {
		property: "hosts[2]",
		connection: connection({ host: "127.0.0.1", port: 1, privateKey: newKeyPair().private }),
		owner: "swarm-scaleout/lab",
		roles: [],
		deadlineSeconds: 0,
		os: "debian 12",
		architecture: "x86_64",
		drift: { nginx: "1: x is y instead of z" },
	};

	test("is an error where the host is there without us, and never takes anything for gone", async () => {
		await expect(provider.read("id", state)).rejects.toThrow(/hosts\[2\]\.ssh\.host: .*ECONNREFUSED.*: check the address, the port/);
	});

	test("leaves the machine's own resource to see and mend it where this stack made the machine", async () => {
		const { id, props } = await provider.read("id", { ...state, isMade: true });
		expect({ id, ...props }).toMatchObject({ id: "id", os: "debian 12", drift: state.drift });
	});
});
