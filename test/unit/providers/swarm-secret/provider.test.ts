import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeSwarm } from "../../../support/fakeSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";

let swarm: FakeSwarm;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
vi.mock("../../../../lib/wait.ts", async (original) =>
	(await import("../../../support/swarmMocks.ts")).wait(await original<typeof import("../../../../lib/wait.ts")>(), 1),
);
const { provider } = await import("../../../../providers/swarm-secret/provider.ts");

beforeEach(async () => {
	swarm = reach(new FakeSwarm());
	for (const name of ["m1", "m2", "m3"]) await swarm.addHost(name, "manager");
});
afterEach(() => swarm.close());

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
		const { id } = await provider.create(inputs());
		const Data = Buffer.from("planted-password").toString("base64");
		expect(swarm.secrets.get(id)).toEqual({ Name: "was-password-16", Labels: { "scaleout.owner": swarm.owner }, Data });
		expect((await provider.read(id, inputs())).id).toBe(id);
		await provider.delete(id, inputs());
		expect(swarm.secrets.size).toBe(0);
		expect((await provider.read(id, inputs())).id).toBeUndefined();
	});

	test("is not taken for gone because no manager answers", async () => {
		const { id } = await provider.create(inputs());
		for (const name of ["m1", "m2", "m3"]) swarm.kill(name);
		expect((await provider.read(id, inputs())).id).toBe(id);
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

	test("goes with a swarm that is made anew, while the service still uses it", async () => {
		const { id } = await provider.create(inputs());
		expect((await provider.diff(id, inputs(), { ...inputs(), clusterId: "anew" })).replaces).toEqual(["clusterId"]);
		await provider.delete(id, inputs());
		expect(swarm.askedFor(/DELETE/)).toEqual([]);
	});
});
