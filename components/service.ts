import { createHash, createHmac } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { isLossless } from "../lib/rollout.ts";
import { serviceLabel } from "../lib/swarm.ts";
import { GeneratedSecret } from "../providers/generated-secret/resource.ts";
import { NodeLabel } from "../providers/node-label/resource.ts";
import { Service, type ServiceMount } from "../providers/service/resource.ts";
import { stopSeconds } from "../providers/service/spec.ts";
import { SwarmSecret } from "../providers/swarm-secret/resource.ts";
import { type AgentNode, drainAgent } from "./drainAgent.ts";
import { type Host, type HostStepArgs, hostStep, owner } from "./host.ts";
import { aliasesOf, firstName } from "./hostNames.ts";
import type { NfsExport } from "./nfs.ts";
import type { Registry } from "./registry.ts";
import { registryLogin } from "./registryLogin.ts";
import type { ServiceSettings } from "./settings/service.ts";
import type { Swarm, SwarmMember } from "./swarm.ts";

/** A service on its nodes, as the load balancer sees it. */
export interface Upstream {
	/** Name of the service. */
	service: string;
	/** The service's published port. */
	port: number;
	/** The hosts that run it. */
	hosts: Host[];
}

export interface WasServiceArgs extends Omit<ServiceSettings, "secrets" | "secretEnv"> {
	/** Name of the service in the swarm. A new name makes a new service. */
	name: string;
	/** Docker secrets by file name: mounted at /run/secrets/<name>. A changed value starts a rollout; the old secret is removed afterwards. */
	secrets: Record<string, pulumi.Input<string>>;
	/** Environment variables with secret values, in plain text in the service's spec. A change starts a rollout. */
	secretEnv: Record<string, pulumi.Input<string>>;
	swarm: Swarm;
	/** The members that run the tasks. */
	serving: SwarmMember[];
	logs: NfsExport;
	registry: Registry;
	/** Image by digest, or by a tag that a manager resolves. */
	image: pulumi.Input<string>;
	/** URL of a site of the load balancer that leads to the service, for the prober. */
	endpoint: pulumi.Input<string>;
	/** Host name that the prober requests there. Default: the URL's. */
	serverName?: string;
}

/**
 * The replicated web service (WAS). Services that share nodes must not depend on one another: when nodes are replaced one by one, each node gets all its
 * tasks back before the next one is replaced.
 */
export class WasService extends pulumi.ComponentResource {
	/** Name in the swarm. */
	readonly name: string;
	readonly service: Service;
	/** For a load balancer. */
	readonly upstream: Upstream;

	constructor(name: string, args: WasServiceArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:WasService", name, {}, opts);
		const { swarm, serving, logs, registry, secrets: _secrets, secretEnv, image, endpoint, serverName, ...service } = args;
		this.name = service.name;
		this.upstream = {
			service: service.name,
			port: service.publish.published,
			hosts: serving.map(({ host }) => host),
		};
		// With a new name in the swarm everything is new: agents and labels are created, and the old ones deleted.
		const of = service.name === name ? name : `${name}-${service.name}`;
		const prepared = isLossless(service) ? this.#agents(of, args) : this.#prepare(of, args);
		const placement = placementOf(service);
		const managers = swarm.members.map(({ host }) => host).filter(({ roles }) => roles.includes("manager"));
		const logins = registry.isEcr ? managers.map((manager) => registryLogin(of, manager, service.name, registry.server, this)) : [];
		const labels = serving.map((member, i) => this.#bind(of, member, args, prepared[i]));
		const secrets = this.#secrets(name, args);
		this.service = new Service(
			name,
			{
				...service,
				managers: swarm.managers,
				clusterId: swarm.clusterId,
				owner: owner(),
				image,
				registryAuth:
					registry.password && pulumi.secret({ serveraddress: registry.server, username: registry.username, password: registry.password }),
				secretEnv: pulumi.secret(pulumi.all(secretEnv)) as pulumi.Output<Record<string, string>>,
				secrets: pulumi.all(secrets),
				mount: mountOf(service.name, service.mount, logs),
				endpoint,
				...(serverName !== undefined && { serverName }),
				placement,
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
			{ parent: this, dependsOn: [...registry.ready, ...logins, ...labels] },
		);
		this.registerOutputs({ name: this.service.name, image: this.service.imageDigest });
	}

	/** The nodes' agents, each with what else the node needs. */
	#agents(name: string, { serving, ...service }: WasServiceArgs): pulumi.Resource[] {
		const nodes = serving.map(({ host }) => ({ name: firstName(host), address: host.address }));
		const first = new Map(serving.map(({ host }) => [host.name, firstName(host)]));
		const order = service.rollout.order.map((name) => first.get(name) ?? name);
		return serving.map((member, i) => {
			const [self, peers] = [nodes[i] as AgentNode, nodes.filter((node) => node !== nodes[i])];
			return drainAgent(name, member, { ...service, rollout: { ...service.rollout, order } }, self, peers, needsOf(service, "agent"), this);
		});
	}

	/** What nodes without agents need. */
	#prepare(name: string, { serving, ...service }: WasServiceArgs): (pulumi.Resource | undefined)[] {
		const needs = needsOf(service, "node");
		if (needs.directories.length + needs.files.length === 0) return [];
		return serving.map(({ host }) =>
			hostStep((host) => `${name}-node-${host}`, host, { step: "service/node", ...needs }, { parent: this }),
		);
	}

	/**
	 * The label that makes Swarm place a task on the node. It is created after everything that a task needs, and deleted, at the end of an `up`, before all of
	 * that: first the label, with which the task is drained and stops; then the agent, the access to the export, the node.
	 */
	#bind(name: string, { host, node }: SwarmMember, args: WasServiceArgs, prepared: pulumi.Resource | undefined): NodeLabel {
		const { swarm, logs, ...service } = args;
		const [label, value] = placementOf(service);
		const of = (host: string) => `${name}-label-${host}`;
		return new NodeLabel(
			of(host.name),
			{
				managers: swarm.managers,
				clusterId: swarm.clusterId,
				connection: host.connection,
				// Unlike the output, the ID stays known in a preview that changes the managers.
				node: node.id,
				nodeId: node.nodeId,
				address: host.address,
				label,
				value,
				service: service.name,
				stopSeconds: stopSeconds(service),
				...(service.mount.type === "volume" && { mount: { server: logs.server, path: logs.path, options: logs.mountOptions } }),
			},
			{
				parent: this,
				dependsOn: [node, logs.access, ...(prepared ? [prepared] : [])],
				aliases: aliasesOf(host, of),
				// Nothing is sent to a host that is lost.
				ignoreChanges: host.isLost ? ["mount"] : [],
			},
		);
	}

	/** A Docker secret cannot change: a new value gets a new name, and the old secret is removed once the service no longer uses it. */
	#secrets(name: string, { secrets, swarm }: WasServiceArgs) {
		const files = Object.entries(secrets);
		if (files.length === 0) return [];
		// Generated once per service: another key would change the names of all secrets.
		const { value: key } = new GeneratedSecret(`${name}-secrets-key`, { parent: this });
		return files.map(([file, given]) => {
			const value = pulumi.secret(given);
			const named = pulumi.all([key, value]).apply(([key, value]) => secretName(key, name, file, value));
			const secret = new SwarmSecret(
				`${name}-${file}`,
				{ managers: swarm.managers, clusterId: swarm.clusterId, owner: owner(), name: pulumi.unsecret(named), value },
				{ parent: this },
			);
			return pulumi.all([secret.id, secret.name]).apply(([id, secretName]) => ({ file, id, name: secretName }));
		});
	}
}

/** What a node needs before a task of the service runs there: the registry's certificate, and the directory that is mounted into the container. */
function needsOf(
	{ name, registry, mount }: Pick<WasServiceArgs, "name" | "registry" | "mount">,
	of: "agent" | "node",
): Required<Pick<HostStepArgs, "files" | "directories">> {
	return {
		// The step of another publish mode or strategy has a file of its own: when it is undone, this one stays.
		files: registry.trustedBy(`${name}.${of}`),
		directories: mount.type === "bind" ? [{ path: mount.source, mode: "0777" }] : [],
	};
}

/** In host mode one task per node, so as many app nodes as replicas. With the routing mesh all app nodes may run tasks. */
export function servingMembers<M extends { host: Pick<Host, "roles"> }>(
	{ publish, replicas }: Pick<ServiceSettings, "publish" | "replicas">,
	members: M[],
): M[] {
	const apps = members.filter(({ host }) => host.roles.includes("app"));
	return publish.mode === "host" ? apps.slice(0, replicas) : apps;
}

/** The node label that binds the service's tasks to their nodes: name and value. */
const placementOf = ({ name }: Pick<WasServiceArgs, "name">): [string, string] => [`${serviceLabel}.${name}`, "true"];

/**
 * Name of the Docker secret, different for each service, file and value. It is in plain text in previews and in the state. A plain hash of the value would
 * let anyone test guesses, so the hash uses the key, too. Docker allows 64 characters. Pure.
 */
export function secretName(key: string, service: string, file: string, value: string): string {
	const hash = createHmac("sha256", key)
		.update(JSON.stringify([service, file, value]))
		.digest("hex")
		.slice(0, 12);
	return `${`${service}-${file}`.slice(0, 51)}-${hash}`;
}

/**
 * The mount with its options. A volume's name contains a hash of the options, because an existing volume keeps the options it was created with, and of the
 * service's name, because each service has its own volume.
 */
export function mountOf(service: string, mount: ServiceSettings["mount"], logs: Pick<NfsExport, "path" | "mountOptions">): ServiceMount {
	if (mount.type === "bind") return mount;
	const device = `:${logs.path}`;
	const hash = createHash("sha256").update(`${service}\n${device}\n${logs.mountOptions}`).digest("hex").slice(0, 8);
	return { type: "volume", target: mount.target, name: `${mount.name}-${hash}`, device, options: logs.mountOptions };
}
