import type { Connection } from "../lib/connection.ts";
import type { DeployedResource } from "../lib/deployment.ts";
import type { Health } from "../lib/health.ts";

/** What a stack's state says there should be. */
export interface Deployed {
	endpoint: string;
	/** ID of the swarm. */
	swarmId: string;
	/** `nodeId`: of a host that is a node of the swarm. */
	hosts: { name: string; roles: string[]; address: string; nodeId?: string; connection: Connection }[];
	service: {
		name: string;
		image: string;
		replicas: number;
		published: number;
		mode: string;
		health: Health;
		/** Port of the nodes' agents, where there are any. */
		peerPort?: number;
		volume?: string;
		nodes: { name: string; address: string }[];
	};
	exportPath: string;
	lastRollout?: Record<string, number>;
}

/** @throws Error when the stack is not deployed, or only half. */
export function deployedOf(resources: DeployedResource[]): Deployed {
	const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
	const service = resources.find(isOf("Service"));
	if (!stack?.outputs?.endpoint || !service) throw new Error("the stack is not deployed, or only half: run pulumi up");
	const { outputs } = stack;
	const nodeIds = new Map(
		resources.filter(isOf("SwarmNode")).map(({ inputs, outputs }) => [inputs.advertiseAddress, outputs?.nodeId as string]),
	);
	const { name, replicas, publish, mount, nodes, health, rollout } = service.inputs;
	return {
		endpoint: outputs.endpoint,
		swarmId: outputs.swarmId,
		// One that an `up` has made which did not come to its end is none yet.
		hosts: resources.filter(isOf("HostCheck")).flatMap(({ inputs: { host: name, roles, connection } }) => {
			const address = outputs.nodes[name];
			return address ? [{ name, roles, address, connection, ...(nodeIds.has(address) && { nodeId: nodeIds.get(address) }) }] : [];
		}),
		service: {
			name,
			image: service.outputs.imageDigest,
			replicas,
			published: publish.published,
			mode: publish.mode,
			health: { path: health.path, status: health.status, host: health.host, timeoutSeconds: health.timeoutSeconds },
			...(publish.mode === "host" && rollout.strategy === "lossless" && { peerPort: rollout.peerPort }),
			...(mount.type === "volume" && { volume: mount.name }),
			nodes: nodes.map(({ name, address }: { name: string; address: string }) => ({ name, address })),
		},
		exportPath: outputs.nfs.path,
		...(outputs.lastRollout && { lastRollout: outputs.lastRollout }),
	};
}

/** A dynamic resource of that kind. */
const isOf =
	(kind: string) =>
	({ type }: DeployedResource) =>
		type.endsWith(`:${kind}`) && type.includes("dynamic/scaleout");
