import { beforeEach, describe, expect, test } from "vitest";
import { sameValue } from "../../../../providers/define.ts";
import { adoptionDifferences, inheritedPaths } from "../../../../providers/service/adoption.ts";
import { rollOut } from "../../../../providers/service/carryOut.ts";
import { differences } from "../../../../providers/service/compare.ts";
import { observe } from "../../../../providers/service/observe.ts";
import { keepsTasks } from "../../../../providers/service/provider.ts";
import type { ServiceInputs, ServiceOutputs } from "../../../../providers/service/resource.ts";
import { type ServiceSpec, serviceSpec } from "../../../../providers/service/spec.ts";
import { image, serviceInputs } from "./inputs.ts";
import { Stand } from "./stand.ts";

/* A service that was made by hand with the source system's command. */

const inputs = (change: Partial<ServiceInputs> = {}) =>
	serviceInputs({
		env: { PROFILES_ACTIVE: "prod" },
		secretEnv: { DATASOURCE_PASSWORD: "planted" },
		adopt: "service",
		...change,
	});

const byHand = (): ServiceSpec => ({
	Name: "babble-was",
	Labels: {},
	TaskTemplate: {
		ContainerSpec: {
			Image: image.replace("@", ":latest@"),
			Env: ["PROFILES_ACTIVE=prod", "DATASOURCE_PASSWORD=planted"],
			Init: false,
			Mounts: [
				{
					Type: "volume",
					Source: "nfsvolume",
					Target: "/was-logs",
					VolumeOptions: {
						DriverConfig: { Name: "local", Options: { type: "nfs", device: ":/mnt/main-was-logs", o: "addr=192.168.1.20" } },
					},
				},
			],
			StopGracePeriod: 10e9,
			DNSConfig: {},
			Isolation: "default",
		},
		Resources: {},
		RestartPolicy: { Condition: "any", Delay: 5e9 },
		Placement: { Constraints: [] },
		ForceUpdate: 0,
		...({ Runtime: "container" } as object),
	},
	Mode: { Replicated: { Replicas: 3 } },
	UpdateConfig: { Parallelism: 1, FailureAction: "pause", Monitor: 5e9, Order: "stop-first", Delay: 0 },
	RollbackConfig: { Parallelism: 1, FailureAction: "pause", Monitor: 5e9, Order: "stop-first", Delay: 0 },
	EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: 8080, PublishMode: "host" }] },
});

let stand: Stand;
const spec = () => stand.service?.Spec as ServiceSpec;

beforeEach(() => {
	stand = new Stand(inputs());
	stand.service = { ID: "service", Version: { Index: 7 }, Spec: byHand() };
	stand.tasks = inputs().nodes.map(({ nodeId }) => stand.task(nodeId));
});

/** Takes it over. @returns The state afterwards. */
async function create(change: Partial<ServiceInputs> = {}): Promise<ServiceInputs & ServiceOutputs> {
	const outputs = await rollOut(inputs(change), stand.means);
	return { ...inputs(change), ...outputs, lastRollout: null };
}
async function update(state: ServiceInputs & ServiceOutputs, change: Partial<ServiceInputs>) {
	const news = inputs(change);
	const hasNewLogin = !sameValue(state.registryAuth, news.registryAuth);
	return rollOut(news, stand.means, { keepsTasks: keepsTasks(state, news), hasNewLogin });
}

describe("a service made by hand", () => {
	test("is taken over as it runs: what concerns its tasks stays as it is", async () => {
		await create();
		expect(stand.sent).toHaveLength(1);
		const { TaskTemplate, Mode, EndpointSpec } = byHand();
		const sent = stand.sent[0]?.spec as ServiceSpec;
		expect(sent).toMatchObject({ Labels: { "scaleout.owner": "swarm-scaleout/lab" }, TaskTemplate, Mode, EndpointSpec });
		expect(sent.UpdateConfig).toEqual(serviceSpec(inputs()).UpdateConfig);
	});

	test("shows no drift afterwards, but for what someone changes", async () => {
		const state = await create();
		const check = () => observe("service", inputs(), stand.means, state.observed.inherited);
		expect(await check()).toEqual(state.observed);
		spec().TaskTemplate.ContainerSpec.Env = ["PROFILES_ACTIVE=dev", "DATASOURCE_PASSWORD=planted"];
		expect((await check())?.differs).toEqual(["TaskTemplate.ContainerSpec.Env"]);
	});

	test("keeps its tasks also when the number of tasks changes", async () => {
		const state = await create();
		const outs = await update(state, { replicas: 2 });
		expect(stand.sent.at(-1)?.spec.Mode).toEqual({ Replicated: { Replicas: 2 } });
		expect(stand.sent.at(-1)?.spec.TaskTemplate).toEqual(byHand().TaskTemplate);
		expect(outs.observed.inherited).toEqual(state.observed.inherited);
	});

	test("keeps its tasks also when a label was added by hand, or a task serves nobody: that one alone is replaced", async () => {
		const state = await create();
		spec().Labels = { ...spec().Labels, "by.hand": "yes" };
		stand.serving.set("worker1", { status: 0, isUnpublished: true, agent: { state: "serving" } });
		const found = await observe("service", inputs(), stand.means, state.observed.inherited);
		expect(found?.differs).toEqual(["Labels.by.hand", expect.stringMatching(/^worker1 does not serve/)]);
		await update({ ...state, observed: found as ServiceOutputs["observed"] }, {});
		expect(spec().Labels).not.toHaveProperty(["by.hand"]);
		expect(stand.sent.at(-1)?.spec.TaskTemplate).toEqual(byHand().TaskTemplate);
		expect(stand.stopped).toHaveLength(1);
	});

	test("learns a new login of the registry, as one that is the stack's own does", async () => {
		const state = await create();
		const registryAuth = { serveraddress: "r", username: "puller", password: "planted-new" };
		await update(state, { registryAuth });
		expect(stand.sent.at(-1)).toMatchObject({ auth: registryAuth, spec: { TaskTemplate: byHand().TaskTemplate } });
	});

	test("is the stack's own with the first rollout, and stays replicated, as Swarm cannot change that", async () => {
		const state = await create();
		const outs = await update(state, { restart: 1 });
		expect(stand.sent.at(-1)?.spec).toEqual(serviceSpec(inputs({ restart: 1 }), { Replicated: { Replicas: 3 } }));
		expect(outs.observed).not.toHaveProperty("inherited");
		expect((await observe("service", inputs({ restart: 1 }), stand.means))?.differs).toEqual([]);
	});

	test("is refused without its ID, which the message tells", async () => {
		await expect(create({ adopt: undefined })).rejects.toThrow(
			/services\.babble-was: the swarm has a service .* set services\.babble-was\.adopt to its ID, service,/,
		);
		await expect(create({ adopt: "another" })).rejects.toThrow(/its ID, service,/);
		expect(stand.sent).toEqual([]);
	});

	test("is refused with every difference that would cost something, and without a secret", async () => {
		spec().TaskTemplate.ContainerSpec.Args = ["--debug"];
		const refused = create({ memoryMiB: 512, secretEnv: { DATASOURCE_PASSWORD: "other" }, nodes: inputs().nodes.slice(0, 2) });
		await expect(refused).rejects.toThrow(
			/services\.babble-was\.secretEnv\.DATASOURCE_PASSWORD has another value there\n.*services\.babble-was\.memoryMiB is not set there, 512 in the configuration\n.*ContainerSpec\.Args is set there.*\n.*a task runs on node id-of-worker2, which is no app host/,
		);
		await expect(refused).rejects.not.toThrow(/planted|other"/);
		expect(stand.sent).toEqual([]);
	});
});

test("a service that was taken over is one for whom nothing is lost: the source system's has no difference", () => {
	expect(adoptionDifferences(byHand(), inputs())).toEqual([]);
	expect(inheritedPaths(byHand(), inputs())).toEqual(
		expect.arrayContaining(["TaskTemplate.ContainerSpec.StopSignal", "TaskTemplate.ContainerSpec.Mounts"]),
	);
	expect(inheritedPaths(byHand(), inputs())).not.toContain("TaskTemplate.ContainerSpec.Env");
	expect(differences(serviceSpec(inputs()), serviceSpec(inputs()))).toEqual([]);
});

const container = (change: object) => (found: ServiceSpec) => void Object.assign(found.TaskTemplate.ContainerSpec, change);
// biome-ignore format: one difference a row
test.each<[string, (found: ServiceSpec) => void, Partial<ServiceInputs>, RegExp[]]>([
	["another port", (found) => void Object.assign(found.EndpointSpec.Ports[0] ?? {}, { PublishedPort: 80 }), {}, [/^services\.babble-was\.publish is \[.*"published":80.*\] there, \[.*"published":8080/]],
	["a second port", (found) => void found.EndpointSpec.Ports.push({ Protocol: "udp", TargetPort: 53, PublishedPort: 53, PublishMode: "host" }), {}, [/^services\.babble-was\.publish is .*"protocol":"udp"/]],
	["another number of tasks", (found) => { found.Mode = { Replicated: { Replicas: 2 } }; }, {}, [/^services\.babble-was\.replicas is 2 there, 3 in/]],
	["a global one for the routing mesh", (found) => { found.Mode = { Global: {} }; }, { publish: { mode: "ingress", target: 8080, published: 8080 } }, [/^services\.babble-was\.publish/, /^it is global/]],
	["a replicated one with an order of nodes", () => {}, { rollout: { ...inputs().rollout, order: ["worker1"] } }, [/^services\.babble-was\.rollout\.order/]],
	["another image", container({ Image: `other:1@sha256:${"e".repeat(64)}` }), {}, [/^services\.babble-was\.image is "other@sha256:e+" there, "192/]],
	["an image by tag, of another name", container({ Image: "other:1" }), {}, [/^services\.babble-was\.image is "other" there, "192.168.1.20:5000\/2021babble\/babble-was" in/]],
	["a variable too many", container({ Env: [...(byHand().TaskTemplate.ContainerSpec.Env as string[]), "DEBUG=1"] }), {}, [/^environment variable DEBUG is set there/]],
	["a variable too few", container({ Env: ["DATASOURCE_PASSWORD=planted"] }), {}, [/^services\.babble-was\.env\.PROFILES_ACTIVE is not set there/]],
	["secrets", container({ Secrets: [{ File: { Name: "key" } }] }), {}, [/^services\.babble-was\.secrets is \["key"\] there, \[\] in/]],
	["no mount", container({ Mounts: [] }), {}, [/^services\.babble-was\.mount is \[\] there, \[.*192\.168\.1\.20/]],
	["a bind mount", container({ Mounts: [{ Type: "bind", Source: "/home/ubuntu/was-logs", Target: "/was-logs" }] }), {}, [/^services\.babble-was\.mount is \[.*"source":"\/home\/ubuntu\/was-logs"/]],
	["another user", container({ User: "1000" }), {}, [/^services\.babble-was\.user is "1000" there, not set in/]],
	["a limit", (found) => { found.TaskTemplate.Resources = { Limits: { NanoCPUs: 5e8 } }; }, {}, [/^services\.babble-was\.cpus is 0\.5 there/]],
	["a reservation", (found) => void Object.assign(found.TaskTemplate.Resources, { Reservations: { NanoCPUs: 1e9 } }), {}, [/^Resources\.Reservations is set there/]],
	["a network", (found) => void Object.assign(found.TaskTemplate, { Networks: [{ Target: "net" }] }), {}, [/^Networks is set there/]],
	["a label", (found) => { found.Labels = { "traefik.enable": "true" }; }, {}, [/^label traefik\.enable/]],
])("%s is a difference", (_what, change, wanted, expected) => {
	const found = byHand();
	change(found);
	const lines = adoptionDifferences(found, inputs(wanted));
	expect(lines).toHaveLength(expected.length);
	expected.forEach((line, i) => void expect(lines[i]).toMatch(line));
});
