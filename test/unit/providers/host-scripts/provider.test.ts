import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { kit, kitArchive, kitDirectory } from "../../../../host/kit.ts";
import { asRoot } from "../../../../lib/connection.ts";
import { StandInHost } from "../../../support/standInHost.ts";
import { connection } from "../../fixtures.ts";

/* The scripts of the steps on a host, put there by the real tar. */

let host: StandInHost;
vi.mock("../../../../lib/ssh.ts", async (original) => ({
	...(await original<object>()),
	execAsRoot: async (_connection: object, script: string, { stdin = "" }: { stdin?: string | Buffer } = {}) => {
		const { status, stdout, stderr } = host.run(asRoot("root", `${withTools}\n${script}`), stdin);
		if (status !== 0) throw new Error(stderr);
		return stdout;
	},
}));
const { provider } = await import("../../../../providers/host-scripts/provider.ts");
/** The programs themselves: they write below the host's root alone. */
const withTools = `tar() { ${which("tar")} "$@"; }`;
function which(name: string) {
	return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
}

const inputs = { connection: connection(), owner: "swarm-scaleout/lab", version: kit().version };
const directory = () => path.join(host.root, kitDirectory(inputs.owner));

beforeEach(() => {
	host = new StandInHost();
});
afterEach(() => host.remove());

const create = async () => (await provider.create(inputs)).outs as object;
const read = async (state: object) => (await provider.read("id", state)).props as object;
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
		expect(host.faults).toEqual([]);
	});

	test.each([
		["is missing", () => fs.rmSync(path.join(directory(), "lib.sh"))],
		["was changed by hand", () => fs.appendFileSync(path.join(directory(), "nfs/client.sh"), "# by hand\n")],
		["and all others are gone", () => fs.rmSync(directory(), { recursive: true })],
	])("are put there again when one %s", async (_what, byHand) => {
		const state = await create();
		byHand();
		const seen = await read(state);
		expect(seen).toMatchObject({ installed: "" });
		expect(await isChanged(seen)).toBe(true);
		const mended = (await provider.update("id", seen, inputs)).outs as object;
		expect(await isChanged(await read(mended))).toBe(false);
	});

	test("that arrive only in part take the place of none", async () => {
		await create();
		const archive = await kitArchive();
		for (const length of [512 * 3, 1024 * 64]) {
			const cut = vi.spyOn(Buffer, "concat").mockReturnValueOnce(archive.subarray(0, length) as never);
			await expect(provider.create(inputs)).rejects.toThrow();
			cut.mockRestore();
			expect(await isChanged(await read({ ...inputs, installed: inputs.version }))).toBe(false);
		}
	});

	test("of another version take the place of those before, and nothing of them stays", async () => {
		await create();
		fs.writeFileSync(path.join(directory(), "nfs/old.sh"), "");
		expect(await isChanged({ ...inputs, version: "older", installed: "older" })).toBe(true);
		await provider.update("id", { ...inputs, version: "older", installed: "older" }, inputs);
		expect(fs.existsSync(path.join(directory(), "nfs/old.sh"))).toBe(false);
	});

	test("go with the last step", async () => {
		await provider.delete("id", await create());
		expect(fs.existsSync(directory())).toBe(false);
	});
});
