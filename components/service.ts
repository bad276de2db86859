import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { secretOf } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import { Service, type ServiceMount } from "../providers/service/resource.ts";
import { isLossless } from "../providers/service/spec.ts";
import { SwarmSecret } from "../providers/swarm-secret/resource.ts";
import { drainAgent } from "./drainAgent.ts";
import { knownByFormerNames } from "./formerNames.ts";
import { owner, remoteStep } from "./host.ts";
import type { NfsExport } from "./nfs.ts";
import type { Registry } from "./registry.ts";
import type { Swarm, SwarmMember } from "./swarm.ts";

export interface WasServiceArgs {
	topology: Topology;
	swarm: Swarm;
	/** The members that run the tasks. */
	serving: SwarmMember[];
	logs: NfsExport;
	registry: Registry;
	image: pulumi.Output<string>;
	/** URL of the load balancer, for the prober. */
	endpoint: pulumi.Input<string>;
}

/** The replicated web service (WAS). */
export class WasService extends pulumi.ComponentResource {
	readonly service: Service;

	constructor(name: string, args: WasServiceArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:WasService", name, {}, knownByFormerNames(args.topology, opts));
		const { topology, swarm, serving, logs, registry } = args;
		const { service } = topology;
		const directories = service.mount.type === "bind" ? this.#makeDirectories(service.mount.source, serving) : [];
		const agents = isLossless(service) ? serving.map((member) => drainAgent(member, service, this)) : [];
		const secrets = Object.entries(service.secrets).map(([file, value]) =>
			this.#secret(name, file, secretOf(value, `service.secrets.${file}`), args),
		);
		const secretEnv = Object.fromEntries(
			Object.entries(service.secretEnv).map(([key, value]) => [key, secretOf(value, `service.secretEnv.${key}`)]),
		);
		this.service = new Service(
			name,
			{
				managers: swarm.managers,
				clusterId: swarm.clusterId,
				name: service.name,
				owner: owner(),
				adopt: service.adopt,
				image: args.image,
				registryAuth:
					registry.password && pulumi.secret({ serveraddress: registry.server, username: registry.username, password: registry.password }),
				replicas: service.replicas,
				publish: service.publish,
				env: service.env,
				secretEnv: pulumi.secret(pulumi.all(secretEnv)) as pulumi.Output<Record<string, string>>,
				secrets: pulumi.all(secrets),
				mount: mountOf(service.mount, logs),
				user: service.user,
				health: service.health,
				cpus: service.cpus,
				memoryMiB: service.memoryMiB,
				stopGraceSeconds: service.stopGraceSeconds,
				restart: service.restart,
				rollout: service.rollout,
				endpoint: args.endpoint,
				convergeSeconds: service.convergeSeconds,
				placement: swarm.placement,
				nodes: pulumi.all(
					serving.map(({ host, node }) =>
						pulumi.all([host.connection, node.nodeId]).apply(([connection, nodeId]) => ({
							name: host.name,
							nodeId,
							address: host.address,
							connection,
							...(host.machine && { isMade: true }),
						})),
					),
				),
			},
			{ parent: this, dependsOn: [...registry.ready, ...logs.probes, ...directories, ...agents] },
		);
		this.registerOutputs({ name: this.service.name, image: this.service.imageDigest });
	}

	/** A Docker secret cannot change: a new value gets a new name, and the old secret goes once the service has moved on. */
	#secret(name: string, file: string, value: pulumi.Output<string>, { swarm }: WasServiceArgs) {
		const secret = new SwarmSecret(
			`${name}-${file}`,
			{
				managers: swarm.managers,
				clusterId: swarm.clusterId,
				owner: owner(),
				name: pulumi.unsecret(value.apply((plain) => secretName(name, file, plain))),
				value,
			},
			{ parent: this },
		);
		return pulumi.all([secret.id, secret.name]).apply(([id, secretName]) => ({ file, id, name: secretName }));
	}

	#makeDirectories(source: string, serving: SwarmMember[]): pulumi.Resource[] {
		return serving.map(({ host }) =>
			remoteStep(
				`${host.name}-log-directory`,
				host,
				{ script: `install -d -m 0777 ${source}`, looks: [`file ${source}`] },
				{ parent: this },
			),
		);
	}
}

/** Name of the Docker secret: another one for each service, file and value. Docker takes 64 characters. Pure. */
export function secretName(service: string, file: string, value: string): string {
	const hash = createHash("sha256")
		.update(JSON.stringify([service, file, value]))
		.digest("hex")
		.slice(0, 12);
	return `${`${service}-${file}`.slice(0, 51)}-${hash}`;
}

/** The mount with its options. A volume's name carries a hash of them, because a volume that exists keeps the ones it was made with. */
export function mountOf(mount: Topology["service"]["mount"], logs: Pick<NfsExport, "path" | "mountOptions">): ServiceMount {
	if (mount.type === "bind") return mount;
	const device = `:${logs.path}`;
	const hash = createHash("sha256").update(`${device}\n${logs.mountOptions}`).digest("hex").slice(0, 8);
	return { type: "volume", target: mount.target, name: `${mount.name}-${hash}`, device, options: logs.mountOptions };
}
