import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { asRoot } from "../../../../lib/connection.ts";
import { eachOnHost } from "../../../support/eachHost.ts";
import type { StandInHost } from "../../../support/standInHost.ts";
import { StandInSwarm } from "../../../support/standInSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";

let swarm: StandInSwarm;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../../lib/wait.ts", async (original) =>
	(await import("../../../support/swarmMocks.ts")).wait(await original<typeof import("../../../../lib/wait.ts")>(), 4),
);
const { probeScript, provider } = await import("../../../../providers/node-label/provider.ts");

const label = "scaleout.service";

beforeEach(async () => {
	swarm = reach(new StandInSwarm());
	await swarm.addHost("m1", "manager");
	for (const name of ["w1", "w2"]) await swarm.addHost(name, "worker");
	swarm.services.set("was", `${label}=was`);
});
afterEach(() => swarm.close());

function inputs(host: string, more = {}) {
	return {
		managers: [swarm.connection("m1")],
		clusterId: swarm.clusterId,
		connection: swarm.connection(host),
		node: `node-${host}`,
		nodeId: `node-${host}`,
		address: `${host} of ${swarm.clusterId}`,
		label,
		value: "was",
		service: "was",
		stopSeconds: 30,
		...more,
	};
}
const state = (host: string, more = {}) => ({ ...inputs(host, more), observed: { [label]: "was" } });
const labelsOf = (host: string) => swarm.nodes.get(`node-${host}`)?.Spec?.Labels;
const give = (host: string, labels: Record<string, string>) => {
	Object.assign(swarm.nodes.get(`node-${host}`)?.Spec ?? {}, { Labels: labels });
	swarm.run(`node-${host}`, "was");
};
const idOf = (host: string) => `node-${host}/${label}`;
const settled = async <T>(promise: Promise<T>) => {
	let done = false;
	void promise.then(() => {
		done = true;
	});
	await new Promise((resolve) => setTimeout(resolve, 1000));
	return done;
};

describe("a label", () => {
	test("is added beside those of others, and again without harm", async () => {
		Object.assign(swarm.nodes.get("node-w1")?.Spec ?? {}, { Labels: { theirs: "1" } });
		const { id, outs } = await provider.create(inputs("w1", { label: "a" }));
		await provider.create(inputs("w1", { label: "a" }));
		expect(labelsOf("w1")).toEqual({ theirs: "1", a: "was" });
		expect([id, outs]).toMatchObject(["node-w1/a", { observed: { a: "was" } }]);
	});

	test("of a node that begins to serve does not wait for its task: a version that fails must not keep the one that mends it away", async () => {
		swarm.keepsTasks = true;
		swarm.services.set("was", "other=label");
		await provider.create(inputs("w1", { label: "b" }));
		expect(labelsOf("w1")).toEqual({ b: "was" });
	});

	test.each([
		["was taken away by hand", {}],
		["was given another value by hand", { [label]: "other" }],
	])("that %s shows after a refresh, and is put back", async (_what, labels) => {
		give("w1", { theirs: "1", ...labels });
		const { props } = await provider.read(idOf("w1"), state("w1"));
		expect(props).toMatchObject({ observed: labels });
		expect(await provider.diff(idOf("w1"), props as object, inputs("w1"))).toMatchObject({ changes: true, replaces: [] });
		const { outs } = await provider.update(idOf("w1"), props as object, inputs("w1"));
		expect(labelsOf("w1")).toEqual({ theirs: "1", [label]: "was" });
		expect(await provider.diff(idOf("w1"), outs as object, inputs("w1"))).toMatchObject({ changes: false });
	});

	test("is gone with its node, and with its swarm, and stays as it was while nobody can be asked", async () => {
		swarm.nodes.delete("node-w1");
		expect((await provider.read(idOf("w1"), state("w1"))).id).toBeUndefined();
		await swarm.addHost("none");
		expect((await provider.read(idOf("w2"), state("w2", { managers: [swarm.connection("none")] }))).id).toBeUndefined();
		swarm.kill("m1");
		expect((await provider.read(idOf("w2"), state("w2"))).id).toBe(idOf("w2"));
	});

	test("follows a host that has left the swarm and joined again as another node", async () => {
		const change = await provider.diff(idOf("w1"), state("w1"), inputs("w1", { nodeId: "node-w2" }));
		expect(change).toMatchObject({ changes: true, replaces: [] });
		await provider.update(idOf("w1"), state("w1"), inputs("w1", { nodeId: "node-w2", label: "c" }));
		expect(labelsOf("w2")).toEqual({ c: "was" });
	});
});

describe("a label that goes", () => {
	test("leaves others, and waits until no container of the service is left on the node, which to the managers is gone at once", async () => {
		give("w1", { theirs: "1", [label]: "was" });
		give("w2", { [label]: "was" });
		swarm.keepsTasks = true;
		const going = provider.delete(idOf("w1"), state("w1"));
		expect(await settled(going), "the task serves still").toBe(false);
		expect(labelsOf("w1")).toEqual({ theirs: "1" });
		expect(swarm.tasks.has("node-w1")).toBe(false);
		swarm.stop("node-w1");
		await going;
		expect(labelsOf("w2")).toEqual({ [label]: "was" });
	});

	test("fails when the task does not stop within its limits: agent and access must not go before it", async () => {
		give("w1", { [label]: "was" });
		swarm.keepsTasks = true;
		await expect(provider.delete(idOf("w1"), state("w1"))).rejects.toThrow(/tasks of was stopping: not done after .* 1 left on the node/);
	});

	test("with another value by hand is somebody else's", async () => {
		give("w1", { [label]: "other" });
		// Swarm has stopped the task when the value became another one.
		swarm.tasks.delete("node-w1");
		swarm.stop("node-w1");
		await provider.delete(idOf("w1"), state("w1"));
		expect(labelsOf("w1")).toEqual({ [label]: "other" });
	});

	test("has nothing to wait for where service, host, node or swarm is gone", async () => {
		give("w1", { [label]: "was" });
		give("w2", { [label]: "was" });
		swarm.keepsTasks = true;
		swarm.kill("w1");
		await provider.delete(idOf("w1"), state("w1"));
		swarm.services.clear();
		await provider.delete(idOf("w2"), state("w2"));
		expect(labelsOf("w2")).toEqual({});
		swarm.nodes.delete("node-w2");
		await provider.delete(idOf("w2"), state("w2"));
		await swarm.addHost("none");
		await provider.delete(idOf("w2"), state("w2", { managers: [swarm.connection("none")] }));
	});

	test("is told to the managers of this up where those that it knows have ceased to be managers", async () => {
		give("w1", { [label]: "was" });
		await provider.create(inputs("w2", { label: "d" }));
		await provider.delete(idOf("w1"), state("w1", { managers: [swarm.connection("w2")] }));
		expect(labelsOf("w1")).toEqual({});
	});

	test("goes with a swarm that is recreated, without a request", async () => {
		give("w1", { [label]: "was" });
		await provider.diff("ending", state("w1"), inputs("w1", { clusterId: "recreated" }));
		await provider.delete("ending", state("w1"));
		expect(swarm.asked).toEqual([]);
	});
});

describe("labels of nodes that are replaced", () => {
	test("go one at a time: the next one when the node before it runs its task again", async () => {
		for (const host of ["w1", "w2"]) {
			give(host, { [label]: "was" });
			// A resource of before is replaced: its node's ID is not known yet.
			const before = await provider.diff(`${host}-replaced`, state(host), inputs(host, { node: "recreated" }));
			expect(before).toMatchObject({ replaces: ["node"], deleteBeforeReplace: true });
		}
		await provider.delete("w1-replaced", state("w1"));
		const next = provider.delete("w2-replaced", state("w2"));
		expect(await settled(next)).toBe(false);
		expect(labelsOf("w2")).toEqual({ [label]: "was" });
		const back = Date.now();
		await provider.create(inputs("w1"));
		expect(swarm.tasks.get("node-w1"), "it runs when the label is said to be made").toBe(1);
		expect(Date.now() - back).toBeGreaterThan(300);
		await next;
		expect(labelsOf("w2")).toEqual({});
		await provider.create(inputs("w2"));
	});

	test("of several services go together, node by node: the turn of a node ends when all its tasks are back", async () => {
		const [a, b] = ["scaleout.service.a", "scaleout.service.b"];
		for (const service of ["a", "b"]) swarm.services.set(service, `scaleout.service.${service}=true`);
		const of = (host: string, label: string) => inputs(host, { label, value: "true", service: label.slice(-1) });
		for (const host of ["w1", "w2"]) {
			give(host, { [a]: "true", [b]: "true" });
			for (const label of [a, b])
				await provider.diff(
					`${host}-${label}`,
					{ ...of(host, label), observed: {} },
					inputs(host, { ...of(host, label), node: "recreated" }),
				);
		}
		await Promise.all([a, b].map((label) => provider.delete(`w1-${label}`, { ...of("w1", label), observed: {} })));
		const next = Promise.all([a, b].map((label) => provider.delete(`w2-${label}`, { ...of("w2", label), observed: {} })));
		await provider.create(of("w1", a));
		expect(await settled(next)).toBe(false);
		await provider.create(of("w1", b));
		await next;
		expect(labelsOf("w2")).toEqual({});
	});
});

test("a host under another name in the configuration is another resource of the same label, which stays", async () => {
	const { id } = await provider.create(inputs("w1"));
	await provider.delete(id, state("w1"));
	expect(labelsOf("w1")).toEqual({ [label]: "was" });
});

describe("the proof that a node can write to the export", () => {
	let host: StandInHost;
	eachOnHost((fresh) => {
		host = fresh;
	});
	const mount = { server: "192.168.1.20", path: "/logs", options: "addr=192.168.1.20,nfsvers=4.1,hard,sec=krb5p" };
	/** `fails`: the program that does. */
	const prove = (options: string, fails = "none") => {
		const standIns = `timeout() { shift; case $1 in bash) ;; ${fails}) return 32 ;; *) "$@" ;; esac; }; mount() { said mount "$@"; }; export -f timeout mount`;
		const run = host.run(`${standIns}\n${asRoot("root", probeScript("192.168.3.5", { ...mount, options }))}`);
		return { ...run, options: host.calls("mount").map((words) => words[4]) };
	};

	test("uses the options that tasks will mount it with, within a limit of its own", () => {
		expect(prove(mount.options)).toMatchObject({ status: 0, options: ["nfsvers=4.1,hard,sec=krb5p,soft,timeo=100,retrans=2"] });
	});

	test("writes a file of its own: another service of the node may do so at the same time", () => {
		const script = probeScript("192.168.3.5", mount);
		const [, write = ""] = /^timeout 120 (sh -c '.*' sh )"\$mountpoint/m.exec(script) ?? [];
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-probe-"));
		const one = `${write} ${directory}/.probe`;
		const twice = `for i in $(seq 40); do ${one} & other=$!; ${one} || exit 1; wait $other || exit 1; done`;
		expect(spawnSync("bash", ["-c", twice], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
		expect(fs.readdirSync(directory)).toEqual([]);
		fs.rmdirSync(directory);
	});

	test("needs none", () => {
		expect(prove("addr=192.168.1.20")).toMatchObject({ status: 0, options: ["soft,timeo=100,retrans=2"] });
	});

	test.each([
		["mount", /cannot be used from 192\.168\.3\.5: mount failed: .* does the server know these options: nfsvers=4\.1,hard,sec=krb5p\?/],
		["sh", /cannot be used from 192\.168\.3\.5: it is mounted but cannot be written/],
	])("says what failed: %s", (program, message) => {
		const { status, stderr } = prove(mount.options, program);
		expect(status).toBe(1);
		expect(stderr).toMatch(message);
	});
});
