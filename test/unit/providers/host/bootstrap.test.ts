import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { kit, kitArchive, kitDirectory, recordDirectory } from "../../../../host/kit.ts";
import { asRoot } from "../../../../lib/connection.ts";
import type { Drift } from "../../../../lib/drift.ts";
import type { HostBootstrapInputs } from "../../../../providers/host/resource.ts";
import { StandInHost } from "../../../support/standInHost.ts";
import { connection } from "../../fixtures.ts";

/* A bootstrap's scripts and packages on a host; the scripts are put there by the real tar. */

let host: StandInHost;
/** What is put before each command, in place of programs. */
let standIns = "";
vi.mock("../../../../lib/ssh.ts", async (original) => {
	const exec = async (_connection: object, command: string, { stdin = "" }: { stdin?: string | Buffer } = {}) => {
		const { status, ...printed } = withLedScripts(command, () => host.run(`${withTools}\n${standIns}\n${command}`, stdin));
		return { ...printed, code: status };
	};
	const execAsRoot = async (to: object, script: string, options: { stdin?: string | Buffer } = {}) => {
		const { code, stdout, stderr } = await exec(to, asRoot("root", script), options);
		if (code !== 0) throw new Error(stderr);
		return stdout;
	};
	return { ...(await original<object>()), connect: async () => {}, exec, execAsRoot };
});
/** A step is carried out by scripts whose paths are led into the host's root; those that were installed stay as they are. */
function withLedScripts<T>(command: string, act: () => T): T {
	const aside = `${directory()}.aside`;
	if (!/\/run\.sh /.test(command)) return act();
	fs.renameSync(directory(), aside);
	try {
		return act();
	} finally {
		fs.rmSync(directory(), { recursive: true });
		fs.renameSync(aside, directory());
	}
}
const { provider } = await import("../../../../providers/host/provider.ts");
/** The programs themselves: they write below the host's root alone. */
const withTools = `tar() { ${which("tar")} "$@"; }; export -f tar`;
function which(name: string) {
	return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
}

const inputs: HostBootstrapInputs = {
	host: "worker1",
	property: "hosts[1]",
	connection: connection(),
	owner: "swarm-scaleout/lab",
	roles: [],
	version: kit().version,
	packages: ["conntrack", "curl"],
	units: [],
};
const directory = () => path.join(host.root, kitDirectory(inputs.owner));
const records = () => path.join(host.root, recordDirectory(inputs.owner));
/** A step's record, as it leaves one. */
const leaveRecord = (name: string) => fs.mkdirSync(path.join(records(), name), { recursive: true });

beforeEach(() => {
	host = new StandInHost();
	standIns = "";
	fs.mkdirSync(path.join(host.root, "var/lib"), { recursive: true });
	fs.writeFileSync(path.join(host.root, "etc/os-release"), "ID=debian\nVERSION_ID=12\n");
});
afterEach(() => host.remove());

const create = async (more = {}) => (await provider.create({ ...inputs, ...more })).outs as Record<string, unknown>;
const read = async (state: object) => (await provider.read("id", state)).props as Record<string, unknown>;
const update = async (state: object) => (await provider.update("id", state, inputs)).outs as Record<string, unknown>;
const isChanged = async (state: object) => (await provider.diff("id", state, inputs)).changes;

describe("the scripts on a host", () => {
	test("are those of this program, whole, for all to read, and no change from then on", async () => {
		const state = await create();
		for (const [name, content] of kit().files) {
			const file = path.join(directory(), name);
			expect(fs.readFileSync(file, "utf8")).toBe(content);
			expect([fs.statSync(file).mode & 0o777, fs.statSync(path.dirname(file)).mode & 0o777]).toEqual([0o644, 0o755]);
		}
		expect(fs.readdirSync(path.dirname(directory()))).toEqual(["swarm-scaleout-lab"]);
		expect(await isChanged(await read(state))).toBe(false);
	});

	test.each([
		["is missing", () => fs.rmSync(path.join(directory(), "lib.sh"))],
		["was changed by hand", () => fs.appendFileSync(path.join(directory(), "nfs/clients.sh"), "# by hand\n")],
		["and all others are gone", () => fs.rmSync(directory(), { recursive: true })],
	])("are put there again when one %s", async (_what, byHand) => {
		const state = await create();
		byHand();
		const seen = await read(state);
		expect(seen).toMatchObject({ installed: "" });
		expect(await isChanged(seen)).toBe(true);
		expect(await isChanged(await read(await update(seen)))).toBe(false);
	});

	test("that arrive only in part take the place of none", async () => {
		await create();
		const archive = await kitArchive();
		for (const length of [512 * 3, 1024 * 64]) {
			const cut = vi.spyOn(Buffer, "concat").mockReturnValueOnce(archive.subarray(0, length) as never);
			await expect(provider.create(inputs)).rejects.toThrow();
			cut.mockRestore();
			expect(await read({ ...inputs, installed: inputs.version, differs: {} })).toMatchObject({ installed: inputs.version });
		}
	});

	test("of another version take the place of those before, and nothing of them stays", async () => {
		const older = { ...(await create()), version: "older", installed: "older" };
		fs.writeFileSync(path.join(directory(), "nfs/old.sh"), "");
		expect(await isChanged(older)).toBe(true);
		await update(older);
		expect(fs.existsSync(path.join(directory(), "nfs/old.sh"))).toBe(false);
	});

	test("go with the host's last step, and what the bootstrap noted with them; records of others stay", async () => {
		const state = await create({ isBooting: true });
		expect(fs.readdirSync(records()).sort()).toEqual(["boot", "packages"]);
		leaveRecord("of-another");
		await provider.delete("id", state);
		expect(fs.existsSync(directory())).toBe(false);
		expect(fs.readdirSync(records())).toEqual(["of-another"]);
		fs.rmSync(path.join(records(), "of-another"), { recursive: true });
		await provider.delete("id", state);
		expect(fs.existsSync(records())).toBe(false);
	});
});

describe("packages", () => {
	const without = (name: string) => `
dpkg-query() { case " $* " in *" ${name} "*) printf 'package ${name}\\tconfig-files\\n' ;; *) echo "install ok installed" ;; esac; }
export -f dpkg-query`;

	test("that were removed by hand are seen by a refresh, told by the preview, and installed again, once; no step is told", async () => {
		standIns = `dpkg-query() { if [ "$2" = '\${Status}' ]; then echo "install ok installed"; else printf 'package %s\\tinstalled\\n' "\${@:3}"; fi; }; export -f dpkg-query`;
		const state = await create();
		const before = standIns;
		standIns = `dpkg-query() { printf 'package curl\\tinstalled\\n'; }; export -f dpkg-query`;
		const seen = await read(state);
		expect(seen).toMatchObject({ differs: { "package conntrack": "absent instead of installed" }, drift: {} });
		expect(await isChanged(seen)).toBe(true);
		standIns = before;
		const mended = await update(seen);
		expect(mended).toMatchObject({ differs: {}, drift: {} });
		expect(await isChanged(await read(mended))).toBe(false);
	});

	test("that cannot be installed leave the host in the state, to be gone on with, and say why", async () => {
		standIns = `${without("curl")}\napt-get() { return 100; }; export -f apt-get`;
		const error = await provider.create(inputs).catch((thrown) => thrown);
		expect(error.message).toMatch(/^hosts\[1\]: [\s\S]*packages that cannot be installed: .*curl/);
		expect(error).toMatchObject({ id: expect.stringContaining("root@"), properties: { installed: "", drift: {} } });
		expect(await isChanged(error.properties)).toBe(true);
		standIns = "";
		expect(await update(error.properties)).toMatchObject({ installed: inputs.version });
	});
});

describe("what a refresh finds of the steps", () => {
	const drift = { "logs-clients": { seen: 1, differs: { "live export": "absent instead of rw" } } };

	test("is an input, too, which no program takes away: a preview of an update knows it", async () => {
		const state = { ...(await create()), __provider: "text" };
		fs.rmSync(records(), { recursive: true });
		const { inputs: asInput, props } = (await provider.read("id", state)) as { inputs?: Record<string, unknown>; props: object };
		expect(asInput).toEqual({ ...inputs, drift: { "*": expect.anything() }, __provider: "text" });
		expect(props).toMatchObject({ drift: asInput?.drift });
		const { inputs: checked } = await provider.check(asInput as object, { ...inputs, version: "newer", drift: {} });
		expect(checked).toMatchObject({ version: "newer", drift: asInput?.drift });
	});

	test("stays through an update, and an empty host is told by the refresh alone", async () => {
		const state = { ...(await create()), drift };
		fs.rmSync(records(), { recursive: true });
		expect(await provider.update("id", state, { ...inputs, drift })).toMatchObject({ outs: { drift } });
		fs.rmSync(records(), { recursive: true });
		const seen = await read(state);
		expect(seen).toMatchObject({ drift: { ...drift, "*": { seen: 1 } }, differs: { "records of the steps": "absent instead of there" } });
		const mended = (await provider.update("id", seen, { ...inputs, drift: seen.drift as Drift })).outs as Record<string, unknown>;
		expect(mended).toMatchObject({ drift: { ...drift, "*": { seen: 1 } }, differs: {} });
		expect(await isChanged(await read(mended))).toBe(false);
	});

	test("is no reason to write inputs that do not count when nothing new is seen: they may be newer than the last change", async () => {
		expect(await provider.read("id", { ...(await create()), drift })).not.toHaveProperty("inputs");
	});

	test("of a host that is lost is no reason to speak to it, and neither is a bootstrap that failed", async () => {
		const state = { ...(await create()), installed: "", differs: { "package curl": "absent instead of installed" } };
		expect(await provider.diff("id", state, { ...inputs, isLost: true })).toMatchObject({ changes: false });
		expect(await isChanged(state)).toBe(true);
	});
});

describe("a machine that is another one", () => {
	const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
	const drift = { "logs-clients": { seen: 1, differs: { "live export": "absent instead of rw" } } };
	const made = { ...inputs, isMade: true, machineId: "i-1" };
	const state = { ...made, os: "debian 12", architecture: "x86_64", installed: inputs.version, differs: {}, drift };

	test("is a change, also while nobody knows which one", async () => {
		for (const machineId of ["i-2", unknown])
			expect(await provider.diff("id", state, { ...made, machineId })).toMatchObject({ changes: true, replaces: [] });
		expect(await provider.diff("id", state, made)).toMatchObject({ changes: false });
	});
});
