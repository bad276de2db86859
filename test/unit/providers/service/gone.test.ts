import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connection } from "../../../../lib/connection.ts";
import { FakeSwarm } from "../../../support/fakeSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";
import { serviceInputs } from "./inputs.ts";

let swarm: FakeSwarm;
let left: Connection;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
const { provider } = await import("../../../../providers/service/provider.ts");

beforeEach(async () => {
	swarm = reach(new FakeSwarm());
	left = await swarm.addHost("h1");
});
afterEach(() => swarm.close());

/** Of a swarm whose only manager has left it. */
const state = () => {
	const nodes = [{ name: "h1", nodeId: "id", address: "", connection: left }];
	return { ...serviceInputs({ managers: [left], clusterId: swarm.clusterId, nodes }), serviceId: "service" };
};

test("a service is gone with its swarm: a refresh says so, and there is nothing to delete", async () => {
	expect(await provider.read?.("service", state())).toEqual({ id: undefined, props: {} });
	await expect(provider.delete?.("service", state() as never)).resolves.toBeUndefined();
});
