import { ownerLabel, second } from "../../lib/swarm.ts";
import type { ServiceInputs, ServiceMount } from "./resource.ts";

/** A service spec of the Engine API, as far as it is set here. */
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

/** The service spec for the inputs. `found`: the mode the service has, which Swarm cannot change. Pure. */
export function serviceSpec(inputs: ServiceInputs, found?: ServiceSpec["Mode"]): ServiceSpec {
	const { mode, target, published } = inputs.publish;
	const isGlobal = found ? "Global" in found : mode === "host";
	return {
		Name: inputs.name,
		Labels: { [ownerLabel]: inputs.owner },
		TaskTemplate: taskTemplate(inputs),
		// One task a node is what a published host port allows; a global service says so, and never puts two on one node.
		Mode: isGlobal ? { Global: {} } : { Replicated: { Replicas: inputs.replicas } },
		UpdateConfig: updateConfig(inputs, inputs.rollout.failureAction),
		// A rollback that fails has nothing to go back to.
		RollbackConfig: updateConfig(inputs, "pause"),
		EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: target, PublishedPort: published, PublishMode: mode }] },
	};
}

function updateConfig({ publish, rollout }: ServiceInputs, failureAction: string): UpdateConfig {
	return {
		Parallelism: rollout.parallelism,
		// Two tasks cannot share a node's port; the routing mesh can have the new one beside the old one.
		Order: publish.mode === "host" ? "stop-first" : "start-first",
		FailureAction: failureAction,
		Monitor: rollout.monitorSeconds * second,
		Delay: rollout.delaySeconds * second,
	};
}

/** Whether the nodes' agents take nodes out before their tasks stop. */
export function isLossless({ publish, rollout }: { publish: { mode: string }; rollout: { strategy: string } }): boolean {
	return publish.mode === "host" && rollout.strategy === "lossless";
}

/** Docker's health check (its own timeout ends a look: busybox's crashes when linked statically). It decides when Swarm goes on to the next node, and what counts as a failed update. */
function healthcheck({ health, publish }: ServiceInputs): object {
	return {
		Test: ["CMD", probeTool, "wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${publish.target}${health.path}`],
		Interval: health.intervalSeconds * second,
		Timeout: health.timeoutSeconds * second,
		Retries: health.retries,
		StartPeriod: health.deadlineSeconds * second,
	};
}

/** A static busybox of the node, mounted into the container: an image need not hold a tool for the health check. */
const probeTool = "/.scaleout/busybox";

/** SIGURG is ignored by whoever does not ask for it: a stop that only announces itself. The agent sees it, drains, and sends SIGTERM. */
export const announcement = "SIGURG";

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
			Mounts: [mountSpec(inputs.mount, inputs.owner), { Type: "bind", Source: "/bin/busybox", Target: probeTool, ReadOnly: true }],
			...(isLossless(inputs) && { StopSignal: announcement }),
			StopGracePeriod: (inputs.stopGraceSeconds + (isLossless(inputs) ? inputs.rollout.drainLimitSeconds : 0)) * second,
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

/** Swarm fills in templates in variables, and repeats the value in the task's error when one is wrong: a secret's braces are no template. */
function literal(value: string): string {
	return value.replaceAll("{{", '{{"{{"}}');
}

function mountSpec(mount: ServiceMount, owner: string): object {
	if (mount.type === "bind") return { Type: "bind", Source: mount.source, Target: mount.target };
	return {
		Type: "volume",
		Source: mount.name,
		Target: mount.target,
		VolumeOptions: {
			// Copying the image's directory into the volume would chown it, which a squashing export refuses.
			NoCopy: true,
			Labels: { [ownerLabel]: owner },
			DriverConfig: { Name: "local", Options: volumeOptions(mount) },
		},
	};
}

/** Options of the local volume driver. Pure. */
export function volumeOptions({ device, options }: Extract<ServiceMount, { type: "volume" }>): Record<string, string> {
	return { type: "nfs", device, o: options };
}
