import { describe, expect, test } from "vitest";
import type { Task } from "../../../../lib/swarm.ts";
import { type Facts, plainRequest, plan } from "../../../../providers/service/plan.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import type { NodeCheck } from "../../../../providers/service/serving.ts";
import { type ServiceSpec, serviceSpec } from "../../../../providers/service/spec.ts";
import { serviceInputs } from "./inputs.ts";
import { Stand } from "./stand.ts";

/* What was found and what is asked for, and what is done about it. */

const inputs = serviceInputs();
const settle = { kind: "settle" };
const write = (more: object = {}) => ({ kind: "writeSpec", replaces: false, closesByHand: false, movesPort: false, ...more });

function facts(change: (facts: Facts & { spec: ServiceSpec }) => void = () => {}): Facts {
	const stand = new Stand(inputs).runs();
	const found: Facts = {
		service: structuredClone(stand.service) as Facts["service"],
		tasks: stand.tasks,
		nodes: stand.nodes,
		volumes: [],
		checks: [],
	};
	change({ ...found, spec: found.service?.Spec as ServiceSpec });
	return found;
}
const status = (State: string) => (found: Facts) => void Object.assign(found.service ?? {}, { UpdateStatus: { State, Message: "" } });
const volume = (isOwn: boolean) => (found: Facts) =>
	void found.volumes.push({ node: inputs.nodes[1] as never, isOwn, description: "volume nfsvolume of worker1 has o=soft" });
const check = (more: Partial<NodeCheck>): NodeCheck => ({
	node: "worker2",
	serves: false,
	isRefused: true,
	answer: "192.168.2.1:8080: connection refused",
	...more,
});
const replace = (why: string) => ({
	kind: "replaceTask",
	node: "worker2",
	container: "container-task-3",
	why: `worker2 does not serve: ${why}`,
});
const withCheck = (more: Partial<NodeCheck>) => (found: Facts) => void found.checks.push(check(more));
const remake = { kind: "remakeVolume", node: "worker1", volume: "volume nfsvolume of worker1 has o=soft" };
const serving = { state: "serving" };

// biome-ignore format: one a row
test.each<[string, Facts, Partial<ServiceInputs>, Partial<typeof plainRequest>, object[]]>([
	["no service", { tasks: [], nodes: [], volumes: [], checks: [] }, {}, {}, [{ kind: "create" }, settle]],
	["all as it shall be", facts(), {}, {}, [settle]],
	["another image", facts(), { image: "was@sha256:1" }, {}, [write({ replaces: true }), settle]],
	["another pace", facts(), { rollout: { ...inputs.rollout, delaySeconds: 9 } }, {}, [write(), settle]],
	["another port", facts(), { publish: { ...inputs.publish, published: 80 } }, {}, [write({ replaces: true, movesPort: true }), settle]],
	["another port in the container", facts(), { publish: { ...inputs.publish, target: 80 } }, {}, [write({ replaces: true }), settle]],
	["another number of routed tasks", facts(({ spec }) => { spec.Mode = { Replicated: { Replicas: 2 } }; }), {}, {}, [write(), settle]],
	["a label by hand", facts(({ spec }) => { spec.Labels.x = "y"; }), {}, {}, [write(), settle]],
	["a variable by hand", facts(({ spec }) => { spec.TaskTemplate.ContainerSpec.Env = ["A=1"]; }), {}, {}, [write({ replaces: true }), settle]],
	["old tasks whose stop is not announced", facts(({ spec }) => { delete spec.TaskTemplate.ContainerSpec.StopSignal; }), {}, {}, [write({ replaces: true, closesByHand: true }), settle]],
	["a new login", facts(), { registryAuth: { serveraddress: "r", username: "u", password: "p" } }, { hasNewLogin: true }, [write({ though: "login" }), settle]],
	["no login", facts(), {}, { hasNewLogin: true }, [settle]],
	["an update that Swarm stopped", facts(status("paused")), {}, {}, [write({ replaces: true, though: "stopped" }), settle]],
	["a rollback that Swarm stopped", facts(status("rollback_paused")), {}, {}, [write({ replaces: true, though: "stopped" }), settle]],
	["an update under way to the same", facts(status("updating")), {}, {}, [settle]],
	["an update under way that waits for a lost node", facts(status("updating")), {}, { lost: ["worker2"] }, [write({ replaces: true, though: "lost" }), settle]],
	["a lost node and no update", facts(status("completed")), {}, { lost: ["worker2"] }, [settle]],
	["an update under way to another version", facts(status("updating")), { image: "was@sha256:3" }, {}, [write({ replaces: true }), settle]],
	["a volume with other options", facts(volume(true)), {}, {}, [remake, settle]],
	["such a volume and no service", { tasks: [], nodes: [], volumes: facts(volume(true)).volumes, checks: [] }, {}, {}, [remake, { kind: "create" }, settle]],
	["somebody else's volume", facts(volume(false)), { image: "was@sha256:1" }, {}, [{ kind: "refuse", why: expect.stringMatching(/^services\.babble-was\.mount\.name: volume nfsvolume of worker1 .* made by other means: remove it/) }]],
	["a running task without its published port", facts(withCheck({ isUnpublished: true, agent: serving })), {}, {}, [replace("its task has no published port"), settle]],
	["one whose agent does not answer", facts(withCheck({ isUnpublished: true })), {}, {}, [replace("its task has no published port"), settle]],
	["a node that refuses though its agent says it serves", facts(withCheck({ agent: serving })), {}, {}, [replace("192.168.2.1:8080: connection refused"), settle]],
	["a node that refuses and says nothing: it may be closed", facts(withCheck({})), {}, {}, [settle]],
	["a closed node", facts(withCheck({ isUnpublished: true, agent: { state: "closed" } })), {}, {}, [settle]],
	["a node that waits for its turn", facts(withCheck({ isUnpublished: true, agent: { state: "waiting" } })), {}, {}, [settle]],
	["a node that answers 503", facts(withCheck({ isRefused: false, agent: serving })), {}, {}, [settle]],
	["a silent node in an update", facts((found) => { status("updating")(found); withCheck({ isUnpublished: true })(found); }), {}, {}, [settle]],
	["a silent node whose task goes anyway", facts(withCheck({ isUnpublished: true })), { restart: 1 }, {}, [write({ replaces: true }), settle]],
	["a silent node whose task was replaced already", facts(withCheck({ isUnpublished: true })), {}, { replaced: ["worker2"] }, [settle]],
	["a silent node without a running task", facts((found) => { withCheck({ isUnpublished: true })(found); (found.tasks[2] as Task).Status.State = "starting"; }), {}, {}, [settle]],
	["an order, of a service that was made replicated", facts(({ spec }) => { spec.Mode = { Replicated: { Replicas: 3 } }; }), { rollout: { ...inputs.rollout, order: ["worker2"] } }, {}, [{ kind: "refuse", why: 'services.babble-was.rollout.order = ["worker2"]: it was made as a replicated service, which keeps no order of nodes: leave it out' }]],
	["a service of another stack", facts(({ spec }) => { spec.Labels["scaleout.owner"] = "other/prod"; }), {}, {}, [{ kind: "refuse", why: expect.stringMatching(/of stack other\/prod: choose another name/) }]],
	["a port that another service of the stack has", { ...facts(), portHolder: "admin" }, { image: "was@sha256:1" }, {}, [{ kind: "refuse", why: expect.stringMatching(/^services\.babble-was\.publish\.published = 8080: service admin has this port until the end of this up: choose another, or give it up there first/) }]],
	["a service of nobody, not to be adopted", facts(({ spec }) => { spec.Labels = {}; }), {}, {}, [{ kind: "refuse", why: expect.stringMatching(/set services\.babble-was\.adopt to its ID, service,/) }]],
	["a service that was taken over and keeps its tasks", facts(), {}, { keepsTasks: true }, [{ kind: "takeOver" }, settle]],
])("%s", (_what, found, change, request, expected) => {
	expect(plan(found, { ...inputs, ...change }, { ...plainRequest, ...request })).toEqual(expected);
});

describe("nothing is touched where anything is refused", () => {
	test("not even a volume", () => {
		const found = facts((all) => {
			volume(true)(all);
			volume(false)(all);
		});
		expect(plan(found, inputs).map(({ kind }) => kind)).toEqual(["refuse"]);
	});
});

test("a spec that Swarm shows as it was written is left alone", () => {
	expect(serviceSpec(inputs)).toEqual(facts().service?.Spec);
});
