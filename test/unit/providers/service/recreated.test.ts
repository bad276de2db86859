import { expect, test, vi } from "vitest";
import { provider } from "../../../../providers/service/provider.ts";
import type { ServiceOutputs } from "../../../../providers/service/resource.ts";
import type { ServiceSpec } from "../../../../providers/service/spec.ts";
import { absent, runningTask } from "./answers.ts";
import { serviceInputs } from "./inputs.ts";

/* An update that finds no service: that of a recreated swarm. A stand-in of the swarm has what is made in it. */

vi.mock("../../../../lib/managers.ts", async (original) => ({ ...(await original<object>()), dockerOnManager: () => manager }));
vi.mock("../../../../lib/ssh.ts", async (original) => ({ ...(await original<object>()), execAsRoot: async () => "200 0" }));
vi.mock("../../../../lib/docker.ts", () => ({
	dockerOn: () => ({
		ping: async () => "OK",
		getVolume: () => ({ inspect: absent }),
		listContainers: async () => [],
		pruneContainers: async () => {},
		listVolumes: async () => ({ Volumes: [] }),
	}),
}));

const services = new Map<string, ServiceSpec>();
const found = (key: string) => [...services].find(([id, { Name: name }]) => id === key || name === key);
const manager = {
	getService: (key: string) => ({
		async inspect() {
			const [id, spec] = found(key) ?? (await absent());
			return { ID: id, Version: { Index: 7 }, Spec: spec };
		},
		async remove() {
			const [id] = found(key) ?? (await absent());
			services.delete(id);
		},
	}),
	async createService(_auth: object, spec: ServiceSpec) {
		services.set("fresh", spec);
		return { ID: "fresh" };
	},
	listNodes: async () => [...inputs.nodes.map(({ nodeId }) => ({ ID: nodeId, Status: { State: "ready" } }))],
	listServices: async () => [],
	listTasks: async () => inputs.nodes.map(({ nodeId }) => runningTask(nodeId, services.get("fresh"))),
};

const inputs = serviceInputs({ clusterId: "fresh-swarm", convergeSeconds: 1 });

test("makes one, which later runs find and delete, though the engine knows the resource by the ID of the first one", async () => {
	const olds = { ...inputs, clusterId: "former-swarm", serviceId: "former", imageDigest: inputs.image };
	const { outs: state } = (await provider.update("former", olds, inputs)) as { outs: ServiceOutputs };
	expect(state.serviceId).toBe("fresh");
	expect(await provider.read("former", state)).toMatchObject({ id: "former", props: { serviceId: "fresh", observed: { differs: [] } } });
	await provider.delete("former", state as never);
	expect([...services.keys()]).toEqual([]);
});
