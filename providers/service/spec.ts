import { announcement, type TaskTerms, termsLabel } from "../../lib/agentNames.ts";
import { isLossless } from "../../lib/rollout.ts";
import { ownerLabel, second, serviceLabel } from "../../lib/swarm.ts";
import { attemptLabel, differences, sameTask } from "./compare.ts";
import { healthcheck, probeTool } from "./healthcheck.ts";
import type { ServiceInputs, ServiceMount } from "./resource.ts";

/** The part of the Engine API's service spec that is set here. */
export interface ServiceSpec {
	Name: string;
	Labels: Record<string, string>;
	TaskTemplate: TaskTemplate;
	Mode: { Global: object } | { Replicated: { Replicas: number } };
	UpdateConfig: UpdateConfig;
	RollbackConfig: UpdateConfig;
	EndpointSpec: { Mode: string; Ports: { Protocol: string; TargetPort: number; PublishedPort: number; PublishMode: string }[] };
}

export interface UpdateConfig {
	Parallelism: number;
	Order: string;
	FailureAction: string;
	/** Nanoseconds, as all times here. */
	Monitor: number;
	Delay: number;
}

export interface TaskTemplate {
	ContainerSpec: Record<string, unknown> & { Image: string };
	Resources: { Limits?: { NanoCPUs?: number; MemoryBytes?: number } };
	RestartPolicy: { Condition: string; Delay: number };
	Placement: { Constraints: string[] };
	ForceUpdate: number;
}

/** The service spec for the inputs. `found`: the service's present mode, which Swarm cannot change. Pure. */
export function serviceSpec(inputs: ServiceInputs, found?: ServiceSpec["Mode"]): ServiceSpec {
	const { mode, target, published } = inputs.publish;
	const isGlobal = found ? "Global" in found : mode === "host";
	return {
		Name: inputs.name,
		Labels: { [ownerLabel]: inputs.owner },
		TaskTemplate: taskTemplate(inputs),
		// A published host port allows one task per node. A global service says exactly that, and never puts two on one node.
		Mode: isGlobal ? { Global: {} } : { Replicated: { Replicas: inputs.replicas } },
		UpdateConfig: updateConfig(inputs, inputs.rollout.failureAction),
		// A failed rollback has nothing to roll back to.
		RollbackConfig: updateConfig(inputs, "pause"),
		EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: target, PublishedPort: published, PublishMode: mode }] },
	};
}

/**
 * The spec to send to get the wanted one. Equivalent parts stay as found: Swarm compares literally, even the order of lists, and would replace every
 * task. `again`: changes the value of a label without meaning. Swarm continues an update to the very same spec for ever (moby: `Update` of swarmkit's
 * update.Supervisor), and cancels it for any other. Pure.
 */
export function specToWrite(found: ServiceSpec, wanted: ServiceSpec, again = false): ServiceSpec {
	const attempt = Number(found.Labels?.[attemptLabel] ?? 0) + 1;
	return {
		...wanted,
		Labels: { ...wanted.Labels, ...(again && { [attemptLabel]: String(attempt) }) },
		TaskTemplate: sameTask(found.TaskTemplate, wanted.TaskTemplate) ? found.TaskTemplate : wanted.TaskTemplate,
		EndpointSpec:
			differences(found.EndpointSpec, wanted.EndpointSpec, "EndpointSpec").length === 0 ? found.EndpointSpec : wanted.EndpointSpec,
	};
}

function updateConfig({ publish, rollout }: ServiceInputs, failureAction: string): UpdateConfig {
	return {
		// With an order, all at once: the agents keep the order, and let one node go after another.
		Parallelism: isLossless({ publish, rollout }) && rollout.order.length > 0 ? 0 : rollout.parallelism,
		// Two tasks cannot share a node's port. With the routing mesh the new task can run beside the old one.
		Order: publish.mode === "host" ? "stop-first" : "start-first",
		FailureAction: failureAction,
		Monitor: rollout.monitorSeconds * second,
		Delay: rollout.delaySeconds * second,
	};
}

/** What the agents are told about a task. Pure. */
export function taskTerms({ publish, health, rollout, stopGraceSeconds }: ServiceInputs): TaskTerms {
	const { path, status, host, timeoutSeconds } = health;
	const { settleSeconds, turnLimitSeconds, drainLimitSeconds, monitorSeconds } = rollout;
	return {
		target: publish.target,
		health: { path, status, host, timeoutSeconds },
		settleSeconds,
		turnLimitSeconds,
		drainLimitSeconds,
		monitorSeconds,
		stopGraceSeconds,
	};
}

/** Seconds until Docker kills a task that it has asked to stop. With an agent the task may serve until its node's turn, and is then drained. */
export function stopSeconds(inputs: Pick<ServiceInputs, "publish" | "rollout" | "stopGraceSeconds">): number {
	if (!isLossless(inputs)) return inputs.stopGraceSeconds;
	const { turnLimitSeconds, drainLimitSeconds } = inputs.rollout;
	return turnLimitSeconds + drainLimitSeconds + inputs.stopGraceSeconds;
}

function taskTemplate(inputs: ServiceInputs): TaskTemplate {
	const limits = {
		...(inputs.cpus !== undefined && { NanoCPUs: Math.round(inputs.cpus * 1e9) }),
		...(inputs.memoryMiB !== undefined && { MemoryBytes: inputs.memoryMiB * 1024 * 1024 }),
	};
	return {
		ContainerSpec: {
			Image: inputs.image,
			Hostname: "{{.Node.Hostname}}",
			Env: [...Object.entries(inputs.env), ...Object.entries(inputs.secretEnv).map(([name, value]) => [name, literal(value)])]
				.map(([name, value]) => `${name}=${value}`)
				.sort(),
			Mounts: [mountSpec(inputs), { Type: "bind", Source: "/bin/busybox", Target: probeTool, ReadOnly: true }],
			...(isLossless(inputs) && { StopSignal: announcement, Labels: { [termsLabel]: JSON.stringify(taskTerms(inputs)) } }),
			StopGracePeriod: stopSeconds(inputs) * second,
			Healthcheck: healthcheck(inputs),
			...(inputs.user && { User: inputs.user }),
			Secrets: inputs.secrets.map(({ file, id, name }) => ({
				SecretID: id,
				SecretName: name,
				File: { Name: file, UID: "0", GID: "0", Mode: 0o444 },
			})),
		},
		Resources: Object.keys(limits).length > 0 ? { Limits: limits } : {},
		RestartPolicy: { Condition: "any", Delay: 2 * second },
		Placement: { Constraints: [`node.labels.${inputs.placement[0]}==${inputs.placement[1]}`] },
		ForceUpdate: inputs.restart,
	};
}

/** Escapes braces. Swarm fills in templates in variables, and shows the value in the task's error when one is wrong: that would reveal a secret. */
function literal(value: string): string {
	return value.replaceAll("{{", '{{"{{"}}');
}

function mountSpec({ mount, owner, name }: Pick<ServiceInputs, "mount" | "owner" | "name">): object {
	if (mount.type === "bind") return { Type: "bind", Source: mount.source, Target: mount.target };
	return {
		Type: "volume",
		Source: mount.name,
		Target: mount.target,
		VolumeOptions: {
			// A copy of the image's directory into the volume would include a chown, which a squashing export refuses.
			NoCopy: true,
			Labels: { [ownerLabel]: owner, [serviceLabel]: name },
			DriverConfig: { Name: "local", Options: volumeOptions(mount) },
		},
	};
}

/** Options of the local volume driver. Pure. */
export function volumeOptions({ device, options }: Extract<ServiceMount, { type: "volume" }>): Record<string, string> {
	return { type: "nfs", device, o: options };
}
