import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { SwarmSecretInputs, SwarmSecretOutputs } from "../../../../providers/swarm-secret/resource.ts";
import { StandInSwarm } from "../../../support/standInSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";

let swarm: StandInSwarm;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../../lib/wait.ts", async (original) =>
	(await import("../../../support/swarmMocks.ts")).wait(await original<typeof import("../../../../lib/wait.ts")>(), 1),
);
const { provider } = await import("../../../../providers/swarm-secret/provider.ts");
const { removeReleased } = await import("../../../../providers/swarm-secret/claims.ts");

type Made = SwarmSecretInputs & SwarmSecretOutputs;

beforeEach(async () => {
	swarm = reach(new StandInSwarm());
	for (const name of ["m1", "m2", "m3"]) await swarm.addHost(name, "manager");
});
afterEach(() => swarm.close());

const claims = () => [...swarm.secrets].map(([id, { Labels: labels }]) => [id, labels["scaleout.claim"]]);
const inputs = (value = "planted-password", more = {}) => ({
	managers: ["m1", "m2", "m3"].map((name) => swarm.connection(name)),
	clusterId: swarm.clusterId,
	owner: swarm.owner,
	name: `was-password-${value.length}`,
	value,
	...more,
});

describe("a secret", () => {
	test("is made with the stack's label, read and removed, by whichever manager serves", async () => {
		swarm.kill("m1");
		const { id, outs } = await provider.create(inputs());
		const Data = Buffer.from("planted-password").toString("base64");
		const labelled = { "scaleout.claim": (outs as Made).claim };
		expect(swarm.secrets.get(id)).toEqual({ Name: "was-password-16", Labels: { "scaleout.owner": swarm.owner, ...labelled }, Data });
		expect((await provider.read(id, outs as Made)).id).toBe(id);
		await provider.delete(id, outs as Made);
		expect(swarm.secrets.size).toBe(0);
		expect((await provider.read(id, outs as Made)).id).toBeUndefined();
	});

	test("is not taken for gone because no manager answers", async () => {
		const { id, outs } = await provider.create(inputs());
		for (const name of ["m1", "m2", "m3"]) swarm.kill(name);
		expect((await provider.read(id, outs as Made)).id).toBe(id);
	});

	test("that an interrupted run has made is taken, another one of that name is not", async () => {
		const { id } = await provider.create(inputs());
		expect((await provider.create(inputs())).id).toBe(id);
		await expect(provider.create(inputs("planted-password", { owner: "swarm-scaleout/other" }))).rejects.toThrow(/none of this stack/);
		expect(swarm.secrets.size).toBe(1);
	});

	test("with another value is another one, made before the old one goes", async () => {
		const { replaces, deleteBeforeReplace } = await provider.diff("secret-1", inputs(), inputs("another"));
		expect({ replaces, deleteBeforeReplace }).toEqual({ replaces: ["name"], deleteBeforeReplace: false });
	});

	test("goes with a swarm that is recreated, while the service still uses it", async () => {
		const { id, outs } = await provider.create(inputs());
		expect((await provider.diff(id, outs as Made, { ...inputs(), clusterId: "recreated" })).replaces).toEqual(["clusterId"]);
		await provider.delete(id, outs as Made);
		expect(swarm.askedFor(/DELETE/)).toEqual([]);
	});
});

describe("a rotation that failed", () => {
	test("and is taken back: the secret of before is this stack's again, and what is left of its deletion does not touch it", async () => {
		const before = await provider.create(inputs());
		const after = await provider.create(inputs("another"));
		const again = await provider.create(inputs());
		expect(again.id).toBe(before.id);
		// Neither used for the moment nor used: it is wanted.
		await provider.delete(before.id, before.outs as Made);
		swarm.secretsInUse.add(before.id);
		await provider.delete(before.id, before.outs as Made);
		await provider.delete(after.id, after.outs as Made);
		expect(claims()).toEqual([[before.id, (again.outs as Made).claim]]);
		swarm.secretsInUse.clear();
		await provider.delete(again.id, again.outs as Made);
		expect(claims()).toEqual([]);
	});

	test("the claim stays through an update, of other managers for instance", async () => {
		const { id, outs } = await provider.create(inputs());
		const updated = await provider.update(id, outs as Made, inputs());
		await provider.delete(id, updated.outs as Made);
		expect(claims()).toEqual([]);
	});
});

describe("a secret that a service still uses", () => {
	test("is left with a remark, and goes with the next one that goes when it is used no more", async () => {
		const [used, next] = [await provider.create(inputs()), await provider.create(inputs("another"))];
		swarm.secretsInUse.add(used.id);
		await provider.delete(used.id, used.outs as Made);
		expect(claims()[0]).toEqual([used.id, "none"]);
		swarm.secretsInUse.clear();
		await provider.delete(next.id, next.outs as Made);
		expect(claims()).toEqual([]);
	});

	test("goes when the service has moved on, without those that are wanted, or that are others'", async () => {
		const [used, wanted] = [await provider.create(inputs()), await provider.create(inputs("another"))];
		swarm.secretsInUse.add(used.id);
		await provider.delete(used.id, used.outs as Made);
		const theirs = { Name: "theirs", Labels: { "scaleout.owner": "swarm-scaleout/other", "scaleout.claim": "none" }, Data: "" };
		swarm.secrets.set("theirs", theirs);
		const manager = swarm.dockerOn(swarm.connection("m1"));
		await removeReleased(manager, swarm.owner);
		expect(claims().map(([id]) => id)).toEqual([used.id, wanted.id, "theirs"]);
		swarm.secretsInUse.clear();
		await removeReleased(manager, swarm.owner);
		expect(claims().map(([id]) => id)).toEqual([wanted.id, "theirs"]);
	});

	test("is taken over, and its mark with it, when it is wanted again", async () => {
		const used = await provider.create(inputs());
		swarm.secretsInUse.add(used.id);
		await provider.delete(used.id, used.outs as Made);
		const again = await provider.create(inputs());
		expect(claims()).toEqual([[used.id, (again.outs as Made).claim]]);
	});
});
