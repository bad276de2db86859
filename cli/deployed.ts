import type { Connection } from "../lib/connection.ts";
import type { DeployedResource } from "../lib/deployment.ts";
import type { Health } from "../lib/health.ts";
import { isLossless } from "../lib/rollout.ts";

/** What should exist, according to a stack's state. */
export interface Deployed {
	/** URLs of the sites that lead to services; the stack's `endpoint` first. */
	endpoints: string[];
	/** ID of the swarm. */
	swarmId: string;
	/** `nodeId`: only for hosts that are nodes of the swarm. */
	hosts: { name: string; roles: string[]; address: string; nodeId?: string; connection: Connection }[];
	services: DeployedService[];
	exportPath: string;
}

export interface DeployedService {
	name: string;
	image: string;
	replicas: number;
	published: number;
	mode: string;
	health: Health;
	/** Port of the nodes' agents, if there are any. */
	peerPort?: number;
	volume?: string;
	nodes: { name: string; address: string }[];
	/** A site of the load balancer leads to it. */
	isRouted: boolean;
	/** What the prober saw. */
	lastRollout?: Record<string, number>;
}

/** A node's address and port, as the load balancer uses them. */
export const serverOf = ({ published }: Pick<DeployedService, "published">, { address }: { address: string }) => `${address}:${published}`;

/** All servers of a service that the load balancer uses. */
export const serversOf = (service: Pick<DeployedService, "published" | "nodes">) => service.nodes.map((node) => serverOf(service, node));

/** @throws Error when the stack is not deployed, or only partly. */
export function deployedOf(resources: DeployedResource[]): Deployed {
	const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
	const services = resources.filter(isOf("Service"));
	if (!stack?.outputs?.endpoint || services.length === 0) throw new Error("the stack is not deployed, or only half: run pulumi up");
	const { outputs } = stack;
	const nodeIds = new Map(
		resources.filter(isOf("SwarmNode")).map(({ inputs, outputs }) => [inputs.advertiseAddress, outputs?.nodeId as string]),
	);
	const urls = Object.values((outputs.services ?? {}) as Record<string, { endpoint?: string }>).flatMap(({ endpoint }) => endpoint ?? []);
	return {
		endpoints: [...new Set([outputs.endpoint, ...urls])],
		swarmId: outputs.swarmId,
		// A host created by an `up` that did not finish is not in the outputs, and does not count yet.
		hosts: resources.filter(isOf("HostBootstrap")).flatMap(({ inputs: { host: name, roles, connection } }) => {
			const address = outputs.nodes[name];
			return address ? [{ name, roles, address, connection, ...(nodeIds.has(address) && { nodeId: nodeIds.get(address) }) }] : [];
		}),
		services: services.map((service) => serviceOf(service, outputs.services ?? {})).sort((a, b) => a.name.localeCompare(b.name)),
		exportPath: outputs.nfs.path,
	};
}

function serviceOf({ inputs, outputs }: DeployedResource, told: Record<string, { endpoint?: string | null }>): DeployedService {
	const { name, replicas, publish, mount, nodes, health, rollout } = inputs;
	return {
		name,
		image: outputs.imageDigest,
		replicas,
		published: publish.published,
		mode: publish.mode,
		health: { path: health.path, status: health.status, host: health.host, timeoutSeconds: health.timeoutSeconds },
		...(isLossless({ publish, rollout }) && { peerPort: rollout.peerPort }),
		...(mount.type === "volume" && { volume: mount.name }),
		nodes: nodes.map(({ name, address }: { name: string; address: string }) => ({ name, address })),
		isRouted: told[name]?.endpoint !== null,
		...(outputs.lastRollout && { lastRollout: outputs.lastRollout }),
	};
}

/** Whether it is a dynamic resource of that kind. */
const isOf =
	(kind: string) =>
	({ type }: DeployedResource) =>
		type.endsWith(`:${kind}`) && type.includes("dynamic/scaleout");
