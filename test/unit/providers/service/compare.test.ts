import { describe, expect, test } from "vitest";
import { differences, sameTask } from "../../../../providers/service/compare.ts";
import { type ServiceSpec, serviceSpec, specToWrite } from "../../../../providers/service/spec.ts";
import { image, serviceInputs } from "./inputs.ts";

const secrets = [
	{ file: "datasource-password", id: "id-a", name: "babble-was-datasource-password-0123" },
	{ file: "key", id: "id-b", name: "babble-was-key-0123" },
];
const inputs = serviceInputs({ cpus: 0.5, memoryMiB: 512, user: "1000", env: { A: "1", B: "2" }, secrets });
const wanted = serviceSpec(inputs);

/** As Swarm shows it: with what it fills in, without what is zero. */
function stored(change: (spec: ServiceSpec & { TaskTemplate: Props }) => void = () => {}): ServiceSpec {
	const spec = structuredClone(wanted) as ServiceSpec & { TaskTemplate: Props };
	Object.assign(spec.TaskTemplate, { Runtime: "container" });
	Object.assign(spec.TaskTemplate.ContainerSpec, { Isolation: "default" });
	Object.assign(spec.TaskTemplate.RestartPolicy, { MaxAttempts: 0 });
	Object.assign(spec.UpdateConfig, { MaxFailureRatio: 0 });
	change(spec);
	return spec;
}
// biome-ignore lint/suspicious/noExplicitAny: parts of specs that are set nowhere else
type Props = Record<string, any>;
const container = (change: Props) => (spec: ServiceSpec) => void Object.assign(spec.TaskTemplate.ContainerSpec, change);
const template = (change: Props) => (spec: ServiceSpec) => void Object.assign(spec.TaskTemplate, change);
const reversed = (list: unknown) => (list as unknown[]).toReversed();

describe("no difference is", () => {
	// biome-ignore format: one a row
	test.each<[string, (spec: ServiceSpec) => void]>([
		["what Swarm fills in", () => {}],
		["the order of variables", (spec) => container({ Env: reversed(spec.TaskTemplate.ContainerSpec.Env) })(spec)],
		["the order of mounts, which docker service update sorts", (spec) => container({ Mounts: reversed(spec.TaskTemplate.ContainerSpec.Mounts) })(spec)],
		["the order of secrets", (spec) => container({ Secrets: reversed(spec.TaskTemplate.ContainerSpec.Secrets) })(spec)],
		["the tag beside a digest", container({ Image: image.replace("@", ":1.0@") })],
		["the check's start interval, which Docker before 25 drops", (spec) => void delete (spec.TaskTemplate.ContainerSpec as Props).Healthcheck.StartInterval],
		["what is empty", container({ DNSConfig: {}, Init: false, Privileges: { CredentialSpec: null, SELinuxContext: null }, Args: [] })],
		["the limits' other half", template({ Resources: { ...wanted.TaskTemplate.Resources, Reservations: {} } })],
		["the label that cancels an update", (spec) => void Object.assign(spec.Labels, { "scaleout.attempt": "2" })],
	])("%s", (_what, change) => {
		expect(differences(stored(change), wanted)).toEqual([]);
	});
});

describe("a difference is named where it stands:", () => {
	const path = (rest: string) => `TaskTemplate.${rest}`;
	// biome-ignore format: one a row
	test.each<[string, (spec: ServiceSpec) => void, string]>([
		["another image", container({ Image: "was:2" }), path("ContainerSpec.Image")],
		["a variable more", (spec) => container({ Env: [...(spec.TaskTemplate.ContainerSpec.Env as string[]), "C=3"] })(spec), path("ContainerSpec.Env")],
		["a variable less", container({ Env: ["A=1"] }), path("ContainerSpec.Env")],
		["arguments", container({ Args: ["--debug"] }), path("ContainerSpec.Args")],
		["arguments in another order", container({ Args: ["a", "b"] }), path("ContainerSpec.Args")],
		["an entrypoint", container({ Command: ["sh"] }), path("ContainerSpec.Command")],
		["a work directory", container({ Dir: "/tmp" }), path("ContainerSpec.Dir")],
		["another user", container({ User: "0" }), path("ContainerSpec.User")],
		["no user", container({ User: undefined }), path("ContainerSpec.User")],
		["a capability", container({ CapabilityAdd: ["CAP_NET_ADMIN"] }), path("ContainerSpec.CapabilityAdd")],
		["a label of containers", (spec) => container({ Labels: { ...(spec.TaskTemplate.ContainerSpec.Labels as object), x: "" } })(spec), path("ContainerSpec.Labels.x")],
		["a mount that may be written to", (spec) => container({ Mounts: (spec.TaskTemplate.ContainerSpec.Mounts as object[]).map((mount) => ({ ...mount, ReadOnly: false })) })(spec), path("ContainerSpec.Mounts")],
		["a network", template({ Networks: [{ Target: "net" }] }), path("Networks")],
		["a log driver", template({ LogDriver: { Name: "none" } }), path("LogDriver")],
		["other limits", template({ Resources: { Limits: { NanoCPUs: 5e8 } } }), path("Resources.Limits.MemoryBytes")],
		["a reservation", template({ Resources: { ...wanted.TaskTemplate.Resources, Reservations: { NanoCPUs: 1 } } }), path("Resources.Reservations")],
		["a constraint", template({ Placement: { Constraints: [...wanted.TaskTemplate.Placement.Constraints, "node.role==worker"] } }), path("Placement.Constraints")],
		["a label of the service", (spec) => void Object.assign(spec.Labels, { "traefik.enable": "true" }), "Labels.traefik.enable"],
		["another port", (spec) => void Object.assign(spec.EndpointSpec.Ports[0] ?? {}, { PublishedPort: 80 }), "EndpointSpec.Ports"],
		["another mode", (spec) => void Object.assign(spec, { Mode: { Replicated: { Replicas: 3 } } }), "Mode.Global"],
	])("%s", (_what, change, expected) => {
		expect(differences(stored(change), wanted)).toContain(expected);
		expect(differences(wanted, stored(change)), "from the other side").toContain(expected);
	});

	test("without its value, which may be a secret", () => {
		expect(differences({ Env: ["PASSWORD=planted"] }, { Env: ["PASSWORD=other"] }).join()).not.toMatch(/planted|other/);
	});
});

test.each(["user", "cpus", "memoryMiB"] as const)(
	"%s that is no longer configured is a difference, and is taken from the service",
	(name) => {
		const without = serviceSpec({ ...inputs, [name]: undefined });
		expect(differences(stored(), without)).toHaveLength(1);
		expect(specToWrite(stored(), without).TaskTemplate).toEqual(without.TaskTemplate);
	},
);

describe("what is written", () => {
	test("keeps the tasks' part to the letter where it asks for the same, for Swarm compares by the letter and would replace every task", () => {
		const found = stored((spec) => {
			container({ Mounts: reversed(spec.TaskTemplate.ContainerSpec.Mounts), Init: false, Image: image.replace("@", ":1.0@") })(spec);
			spec.UpdateConfig.Parallelism = 7;
		});
		const written = specToWrite(found, wanted);
		expect(written.TaskTemplate).toEqual(found.TaskTemplate);
		expect(written.UpdateConfig).toEqual(wanted.UpdateConfig);
	});

	test("is another spec each time an update is to be cancelled, and the same tasks", () => {
		const first = specToWrite(stored(), wanted, true);
		const second = specToWrite(first, wanted, true);
		expect([first, second].map(({ Labels: labels }) => labels["scaleout.attempt"])).toEqual(["1", "2"]);
		expect(sameTask(second.TaskTemplate, wanted.TaskTemplate)).toBe(true);
		expect(specToWrite(second, wanted).Labels).toEqual(wanted.Labels);
	});
});
