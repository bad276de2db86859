import { expect, test, vi } from "vitest";
import { provider } from "../../../../providers/service/provider.ts";
import type { ServiceSpec } from "../../../../providers/service/spec.ts";
import { absent, runningTask } from "./answers.ts";
import { serviceInputs } from "./inputs.ts";

/* A rollout that cannot end, since someone paused a node. A swarm stands in whose other nodes run their tasks. */

vi.mock("../../../../lib/managers.ts", async (original) => ({ ...(await original<object>()), dockerOnManager: () => manager }));
vi.mock("../../../../lib/docker.ts", () => ({ dockerOn: () => ({ getVolume: () => ({ inspect: absent }) }) }));

const inputs = serviceInputs({ convergeSeconds: 1 });
let spec: ServiceSpec | undefined;
const manager = {
	getService: () => ({ inspect: async () => (spec ? { ID: "service", Spec: spec } : absent()) }),
	async createService(_auth: object, created: ServiceSpec) {
		spec = created;
		return { ID: "service" };
	},
	listNodes: async () =>
		inputs.nodes.map(({ name, nodeId }) => ({
			ID: nodeId,
			Spec: { Availability: name === "worker2" ? "pause" : "active", Labels: { "scaleout.service": "babble-was" } },
			Status: { State: "ready" },
		})),
	listTasks: async () => inputs.nodes.filter(({ name }) => name !== "worker2").map(({ nodeId }) => runningTask(nodeId, spec)),
};

test("ends at its deadline with the node's name, what is the matter with it and the remedy", async () => {
	await expect(provider.create(inputs)).rejects.toThrow(
		"service babble-was: not done after 1 s; last seen: 2 of 3 tasks running; worker2 gets no task, its availability is pause: pulumi up --refresh mends it",
	);
});
