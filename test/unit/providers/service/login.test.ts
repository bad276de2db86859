import { beforeEach, describe, expect, test, vi } from "vitest";
import { provider } from "../../../../providers/service/provider.ts";
import { serviceSpec } from "../../../../providers/service/spec.ts";
import { connection, topology } from "../../fixtures.ts";

/* What a new registry login means for a service that runs. A swarm stands in that notes the updates it is sent. */

const updates = vi.hoisted(() => [] as { auth: object; spec: object }[]);
vi.mock("../../../../lib/managers.ts", async (original) => ({ ...(await original<object>()), dockerOnManager: () => manager }));
vi.mock("../../../../lib/ssh.ts", async (original) => ({ ...(await original<object>()), execAsRoot: async () => "200" }));

const { service } = topology();
const ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const login = (serveraddress: string, password: string) => ({ serveraddress, username: "pusher", password });

function inputs(serveraddress: string, password: string) {
	return {
		...service,
		managers: [connection()],
		clusterId: "swarm",
		name: "babble-was",
		owner: "swarm-scaleout/lab",
		image: `${serveraddress}/babble-was@sha256:${"d".repeat(64)}`,
		registryAuth: login(serveraddress, password),
		replicas: 1,
		secretEnv: {},
		secrets: [],
		mount: { type: "bind" as const, target: "/was-logs", source: "/var/was-logs" },
		endpoint: "http://127.0.0.1:8088",
		placement: ["scaleout.service", "babble-was"],
		nodes: [{ name: "manager", nodeId: "node", address: "192.168.2.137", connection: connection() }],
	};
}

let spec: ReturnType<typeof serviceSpec>;
const found = () => ({ ID: "service", Version: { Index: 7 }, Spec: spec });
const manager = {
	getService: () => ({
		inspect: async () => found(),
		update: async (auth: object, { _body }: { _body: object }) => updates.push({ auth, spec: _body }),
	}),
	listTasks: async () => [
		{
			ID: "task",
			NodeID: "node",
			CreatedAt: "",
			DesiredState: "running",
			Spec: spec.TaskTemplate,
			Status: { State: "running", Timestamp: "" },
		},
	],
};

beforeEach(() => {
	updates.length = 0;
});

async function update(server: string, from: string, to: string): Promise<void> {
	spec = serviceSpec(inputs(server, from));
	await provider.update("service", { ...inputs(server, from), serviceId: "service" }, inputs(server, to));
}

describe("a new password for a registry", () => {
	const [olds, news] = [inputs("registry.example.com", "old"), inputs("registry.example.com", "new")];

	test("is a change: tasks that start later pull with what the last update brought", async () => {
		const { changes, replaces } = await provider.diff(
			"service",
			{ ...olds, observed: { image: olds.image, running: 1 }, imageDigest: olds.image },
			news,
		);
		expect({ changes, replaces }).toEqual({ changes: true, replaces: [] });
	});

	test("goes to Swarm with the spec that is there already, so that no task is replaced", async () => {
		await update("registry.example.com", "old", "new");
		expect(updates).toEqual([{ auth: news.registryAuth, spec }]);
	});

	test("is not sent again while it stays", async () => {
		await update("registry.example.com", "old", "old");
		expect(updates).toEqual([]);
	});
});

test("a new ECR token is no change: every run has another one, and the managers renew it", async () => {
	const [olds, news] = [inputs(ecr, "old"), inputs(ecr, "new")];
	const state = { ...olds, observed: { image: olds.image, running: 1 }, imageDigest: olds.image };
	expect(await provider.diff("service", state, news)).toMatchObject({ changes: false });
	await update(ecr, "old", "new");
	expect(updates, "but it goes along when there is an update").toHaveLength(1);
});
