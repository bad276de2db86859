import { describe, expect, test } from "vitest";
import { healthcheck } from "../../../../providers/service/healthcheck.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import { serviceSpec } from "../../../../providers/service/spec.ts";
import { idleNodes, taskErrors, tasksUnderWay } from "../../../../providers/service/tasks.ts";
import { image, serviceInputs as inputs, rollout } from "./inputs.ts";

const container = (change: Partial<ServiceInputs>) => serviceSpec(inputs(change)).TaskTemplate.ContainerSpec;

test("a secret variable with braces is no template of Swarm's, a plain one is", () => {
	const { Env: env } = container({ env: { FILE: "{{.Node.Hostname}}.log" }, secretEnv: { PASSWORD: "a{{.b}}{{c" } });
	expect(env).toEqual(["FILE={{.Node.Hostname}}.log", 'PASSWORD=a{{"{{"}}.b}}{{"{{"}}c']);
});

test("the source system's service, to the letter", () => {
	// The scripts of the health check: test/unit/health runs them.
	expect(serviceSpec(inputs())).toEqual({
		Name: "babble-was",
		Labels: { "scaleout.owner": "swarm-scaleout/lab" },
		Mode: { Global: {} },
		EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: 8080, PublishedPort: 8080, PublishMode: "host" }] },
		UpdateConfig: { Parallelism: 1, Order: "stop-first", FailureAction: "rollback", Monitor: 15e9, Delay: 2e9 },
		RollbackConfig: { Parallelism: 1, Order: "stop-first", FailureAction: "pause", Monitor: 15e9, Delay: 2e9 },
		TaskTemplate: {
			ContainerSpec: {
				Image: image,
				Hostname: "{{.Node.Hostname}}",
				Env: ["PROFILES_ACTIVE=prod"],
				Mounts: [
					{
						Type: "volume",
						Source: expect.stringMatching(/^nfsvolume-[0-9a-f]{8}$/),
						Target: "/was-logs",
						VolumeOptions: {
							NoCopy: true,
							Labels: { "scaleout.owner": "swarm-scaleout/lab", "scaleout.service": "babble-was" },
							DriverConfig: {
								Name: "local",
								Options: {
									type: "nfs",
									device: ":/mnt/main-was-logs",
									o: "addr=192.168.1.20,nfsvers=4.2,hard,timeo=600,retrans=2,noatime",
								},
							},
						},
					},
					{ Type: "bind", Source: "/bin/busybox", Target: "/.scaleout/busybox", ReadOnly: true },
				],
				StopSignal: "SIGURG",
				Labels: {
					"scaleout.task": JSON.stringify({
						target: 8080,
						health: { path: "/health", status: [200], host: "localhost", timeoutSeconds: 7 },
						settleSeconds: 3,
						turnLimitSeconds: 1800,
						drainLimitSeconds: 30,
						monitorSeconds: 15,
						stopGraceSeconds: 10,
					}),
				},
				StopGracePeriod: 1840e9,
				Healthcheck: healthcheck(inputs()),
				Secrets: [],
			},
			Resources: {},
			RestartPolicy: { Condition: "any", Delay: 2e9 },
			Placement: { Constraints: ["node.labels.scaleout.service.babble-was==true"] },
			ForceUpdate: 0,
		},
	});
});

test("with an order of nodes Swarm asks all at once, there and back: the nodes' agents let one go after another", () => {
	const ordered = serviceSpec(inputs({ rollout: { ...rollout, order: ["worker1"] } }));
	expect([ordered.UpdateConfig.Parallelism, ordered.RollbackConfig.Parallelism]).toEqual([0, 0]);
});

describe("ingress mode", () => {
	const ingress: Partial<ServiceInputs> = { publish: { mode: "ingress", target: 8080, published: 80 }, replicas: 5 };
	const spec = serviceSpec(inputs(ingress));

	test("is a replicated service behind the routing mesh, with new tasks first", () => {
		expect(spec.Mode).toEqual({ Replicated: { Replicas: 5 } });
		expect(spec.EndpointSpec.Ports).toEqual([{ Protocol: "tcp", TargetPort: 8080, PublishedPort: 80, PublishMode: "ingress" }]);
		expect([spec.UpdateConfig.Order, spec.RollbackConfig.Order]).toEqual(["start-first", "start-first"]);
	});

	test("stops tasks by the image's own signal: no agent waits there", () => {
		expect(spec.TaskTemplate.ContainerSpec).not.toHaveProperty("StopSignal");
		expect(spec.TaskTemplate.ContainerSpec.StopGracePeriod).toBe(10e9);
	});
});

test("without draining, host mode stops tasks by the image's own signal, too", () => {
	const undrained = container({ rollout: { ...rollout, strategy: "swarm" } });
	expect(undrained).not.toHaveProperty("StopSignal");
	expect(undrained.StopGracePeriod).toBe(10e9);
});

test("limits are in the API's units, each only when it is given", () => {
	const limits = (change: Partial<ServiceInputs>) => serviceSpec(inputs(change)).TaskTemplate.Resources;
	expect(limits({ cpus: 0.3, memoryMiB: 256 })).toEqual({ Limits: { NanoCPUs: 300_000_000, MemoryBytes: 268_435_456 } });
	expect(limits({ memoryMiB: 64 })).toEqual({ Limits: { MemoryBytes: 67_108_864 } });
});

test("a secret is a file that the service may read", () => {
	const secrets = [{ file: "datasource-password", id: "secret-id", name: "babble-was-datasource-password-0123" }];
	expect(container({ secrets }).Secrets).toEqual([
		{
			SecretID: "secret-id",
			SecretName: "babble-was-datasource-password-0123",
			File: { Name: "datasource-password", UID: "0", GID: "0", Mode: 0o444 },
		},
	]);
});

test("the environment is in one order, whatever the order it was written in: no rollout without a change", () => {
	const a = container({ env: { B: "2", A: "1" }, secretEnv: { C: "3" } }).Env;
	const b = container({ env: { A: "1" }, secretEnv: { C: "3", B: "2" } }).Env;
	expect(a).toEqual(["A=1", "B=2", "C=3"]);
	expect(b).toEqual(a);
});

test("a bind mount, a user and a counted-up restart arrive", () => {
	const changed = {
		mount: { type: "bind", target: "/was-logs", source: "/home/ubuntu/was-logs" },
		user: "10001:10001",
		restart: 2,
	} as const;
	const { ContainerSpec: spec, ForceUpdate: force } = serviceSpec(inputs(changed)).TaskTemplate;
	expect((spec.Mounts as object[])[0]).toEqual({ Type: "bind", Source: "/home/ubuntu/was-logs", Target: "/was-logs" });
	expect(spec.User).toBe("10001:10001");
	expect(force).toBe(2);
});

test("credentials for the registry are not in the spec, where any node could read them", () => {
	const registryAuth = { serveraddress: "r", username: "pusher", password: "planted-password" };
	expect(JSON.stringify(serviceSpec(inputs({ registryAuth })))).not.toContain("planted-password");
});

test("what went wrong is told in the tasks' own words, once, with the node's name", () => {
	const task = (NodeID: string | undefined, State: string, Err?: string) =>
		({ NodeID, Status: { State, Err, Message: "started" } }) as never;
	const tasks = [
		task("id-of-worker1", "rejected", "No such image"),
		task("id-of-worker1", "rejected", "No such image"),
		task("id-of-manager", "failed"),
		task("gone", "failed", "exit 1"),
		task(undefined, "pending", "no suitable node"),
		task("id-of-worker2", "running"),
	];
	expect(taskErrors(tasks, inputs().nodes)).toEqual([
		"worker1: rejected: No such image",
		"manager: failed: started",
		"gone: failed: exit 1",
		"no node: pending: no suitable node",
	]);
});

test("a task that is to run and does not yet is told with its node and its state", () => {
	const task = (NodeID: string, DesiredState: string, State: string) => ({ NodeID, DesiredState, Status: { State } }) as never;
	const tasks = [
		task("id-of-worker1", "running", "starting"),
		task("id-of-worker2", "running", "running"),
		task("id-of-manager", "shutdown", "running"),
		task("id-of-manager", "ready", "ready"),
	];
	expect(tasksUnderWay(tasks, inputs().nodes)).toEqual(["worker1: starting"]);
});

describe("a node that Swarm gives no task is told with the reason and what mends it:", () => {
	const labels = { "scaleout.service.babble-was": "true" };
	const node = (name: string, Spec: object = {}, State = "ready") =>
		({ ID: `id-of-${name}`, Spec: { Availability: "active", Labels: labels, ...Spec }, Status: { State } }) as never;
	const others = [node("manager"), node("worker1"), node("someone-elses", { Availability: "drain" })];

	test.each([
		["paused", [node("worker2", { Availability: "pause" })], "its availability is pause: pulumi up --refresh mends it"],
		["drained", [node("worker2", { Availability: "drain" })], "its availability is drain: pulumi up --refresh mends it"],
		[
			"without its label",
			[node("worker2", { Labels: {} })],
			"it lacks the label scaleout.service.babble-was=true: pulumi up --refresh mends it",
		],
		["down, whatever else", [node("worker2", { Availability: "pause" }, "down")], "Swarm sees it down: see to the host"],
		["gone", [], "it is not in the swarm: pulumi up --refresh mends it"],
	])("%s", (_what, found, reason) => {
		expect(idleNodes([...others, ...found], inputs())).toEqual([`worker2 gets no task, ${reason}`]);
	});

	test("none, when all get theirs", () => {
		expect(idleNodes([...others, node("worker2")], inputs())).toEqual([]);
	});
});
