import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recordDirectory } from "../../../../host/kit.ts";
import { StandInHost } from "../../../support/standInHost.ts";
import { connection } from "../../fixtures.ts";

/* A recreated machine that has the address and the host key of the one before: what a step's inputs say is as it was, and nothing is there. */

let host: StandInHost;
vi.mock("../../../../lib/ssh.ts", async (original) => ({
	...(await original<object>()),
	connect: async () => {},
	exec: async (_connection: object, command: string) => {
		const { status, ...printed } = host.run(command);
		return { ...printed, code: status };
	},
}));
const { provider } = await import("../../../../providers/host/provider.ts");

const owner = "swarm-scaleout/prod";
const inputs = { host: "worker1", property: "hosts[1]", connection: connection(), owner, roles: [], isMade: true, machineId: "i-1" };
const drift = { "hosts-worker1-packages": { seen: 1, differs: { "package conntrack": "absent instead of installed" } } };
const state = { ...inputs, os: "debian 12", architecture: "x86_64", drift };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

beforeEach(() => {
	host = new StandInHost();
	fs.mkdirSync(path.join(host.root, "var/lib"));
	fs.writeFileSync(path.join(host.root, "etc/os-release"), "ID=debian\nVERSION_ID=12\n");
});
afterEach(() => host.remove());

const updated = async () => (await provider.update("id", state, { ...inputs, machineId: "i-2" })).outs;

describe("the check of a machine that is another one", () => {
	test("is a change, also while nobody knows which one", async () => {
		for (const machineId of ["i-2", unknown]) {
			expect(await provider.diff("id", state, { ...inputs, machineId })).toMatchObject({ changes: true, replaces: [] });
		}
		expect(await provider.diff("id", state, inputs)).toMatchObject({ changes: false });
	});

	test("tells every step that what it made is not there, once", async () => {
		expect(await updated()).toMatchObject({
			machineId: "i-2",
			drift: { ...drift, "*": { seen: 1, differs: { "records of the steps": "absent instead of there" } } },
		});
	});

	test("says nothing where the steps have left their records", async () => {
		fs.mkdirSync(path.join(host.root, recordDirectory(owner)), { recursive: true });
		expect((await updated())?.drift).toEqual(drift);
	});
});
