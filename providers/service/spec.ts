import type { ServiceInputs, ServiceMount } from "./resource.ts";

/** Label on services, volumes and secrets that names the stack they belong to. */
export const ownerLabel = "scaleout.owner";

/** A service spec of the Engine API, as far as it is set here. */
export interface ServiceSpec {
	Name: string;
	Labels: Record<string, string>;
	TaskTemplate: TaskTemplate;
	Mode: { Global: object } | { Replicated: { Replicas: number } };
	UpdateConfig: { Parallelism: number; Order: string; FailureAction: string; Monitor: number; Delay: number };
	EndpointSpec: { Mode: string; Ports: { Protocol: string; TargetPort: number; PublishedPort: number; PublishMode: string }[] };
}

export interface TaskTemplate {
	ContainerSpec: Record<string, unknown> & { Image: string };
	Resources: { Limits?: { NanoCPUs?: number; MemoryBytes?: number } };
	RestartPolicy: { Condition: string; Delay: number };
	Placement: { Constraints: string[] };
	ForceUpdate: number;
}

const second = 1e9;

/** The service spec for the inputs. Pure. */
export function serviceSpec(inputs: ServiceInputs): ServiceSpec {
	const { mode, target, published } = inputs.publish;
	const host = mode === "host";
	return {
		Name: inputs.name,
		Labels: { [ownerLabel]: inputs.owner },
		TaskTemplate: taskTemplate(inputs),
		// One task a node is what a published host port allows; a global service says so, and never puts two on one node.
		Mode: host ? { Global: {} } : { Replicated: { Replicas: inputs.replicas } },
		UpdateConfig: {
			Parallelism: 1,
			Order: host ? "stop-first" : "start-first",
			FailureAction: host ? "pause" : "rollback",
			Monitor: 5 * second,
			Delay: 0,
		},
		EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: target, PublishedPort: published, PublishMode: mode }] },
	};
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
			Env: Object.entries({ ...inputs.env, ...inputs.secretEnv })
				.map(([name, value]) => `${name}=${value}`)
				.sort(),
			Mounts: [mountSpec(inputs.mount, inputs.owner)],
			StopGracePeriod: inputs.stopGraceSeconds * second,
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
		ForceUpdate: 0,
	};
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
			DriverConfig: { Name: "local", Options: { type: "nfs", device: mount.device, o: mount.options } },
		},
	};
}
