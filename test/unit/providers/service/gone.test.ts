import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection } from "../../../../lib/connection.ts";
import { StandInSwarm } from "../../../support/standInSwarm.ts";
import { reach } from "../../../support/swarmMocks.ts";
import { serviceInputs } from "./inputs.ts";

let swarm: StandInSwarm;
let left: Connection;
vi.mock("../../../../lib/docker.ts", async () => (await import("../../../support/swarmMocks.ts")).docker());
vi.mock("../../../../lib/ssh.ts", async (original) => (await import("../../../support/swarmMocks.ts")).ssh(await original<object>()));
const { provider } = await import("../../../../providers/service/provider.ts");

beforeEach(async () => {
	swarm = reach(new StandInSwarm());
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

test("a service that is gone with its swarm leaves a task that nobody stops to its node, which is yet to leave", async () => {
	const labels = ["com.docker.swarm.service.id=service"];
	const host = swarm.hosts.get("h1");
	host?.containers.push({ Id: "task", volume: "logs", isRunning: true, labels });
	const volume = (Name: string, service: string) => ({ Name, Labels: { "scaleout.owner": swarm.owner, "scaleout.service": service } });
	// An idle one of another service may be of a node that is drained just now.
	host?.volumes.push(volume("logs", "babble-was"), volume("old", "babble-was"), volume("idle", "other"));
	await expect(provider.delete?.("service", state() as never)).resolves.toBeUndefined();
	expect(host?.volumes.map(({ Name: name }) => name)).toEqual(["logs", "idle"]);
});

describe("a service on a node that does not answer", () => {
	const onTwo = async (isMade?: boolean) => {
		const managers = [await swarm.addHost("m1", "manager")];
		const silent = await swarm.addHost("w1", "worker");
		swarm.kill("w1");
		const nodes = [...managers, silent].map((host) => ({
			name: host.host,
			nodeId: `node-${host.host}`,
			address: "",
			connection: host,
			isMade,
		}));
		return { ...serviceInputs({ managers, clusterId: swarm.clusterId, nodes }), serviceId: "service" };
	};

	test("is deleted all the same where the stack made the machine: it goes, too, or is another one by now", async () => {
		await expect(provider.delete?.("service", (await onTwo(true)) as never)).resolves.toBeUndefined();
		expect(swarm.askedFor(/^m1 GET \/volumes/)).toHaveLength(1);
	});

	test("is not on a host of somebody else's, who may start it again: what is there would stay for good", async () => {
		await expect(provider.delete?.("service", (await onTwo()) as never)).rejects.toThrow(/w1 does not answer/);
	});
});
