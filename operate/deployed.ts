import type { Connection } from "../lib/connection.ts";
import { connectionsOf, type DeployedResource } from "../lib/deployment.ts";

/** What a stack's state says there should be. */
export interface Deployed {
	endpoint: string;
	/** ID of the swarm. */
	swarmId: string;
	hosts: { name: string; roles: string[]; address: string; connection: Connection }[];
	service: {
		name: string;
		image: string;
		replicas: number;
		published: number;
		mode: string;
		volume?: string;
		nodes: { name: string; address: string }[];
	};
	exportPath: string;
	lastRollout?: Record<string, number>;
}

/** @throws Error when the stack is not deployed, or only half. */
export function deployedOf(resources: DeployedResource[]): Deployed {
	const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
	const service = resources.find(({ type }) => type.endsWith(":Service") && type.includes("dynamic/scaleout"));
	if (!stack?.outputs?.endpoint || !service) throw new Error("the stack is not deployed, or only half: run pulumi up");
	const { outputs } = stack;
	const connections = connectionsOf(resources);
	const { name, replicas, publish, mount, nodes } = service.inputs;
	return {
		endpoint: outputs.endpoint,
		swarmId: outputs.swarmId,
		hosts: outputs.nodes.map((host: Omit<Deployed["hosts"][number], "connection">) => ({ ...host, connection: connections[host.name] })),
		service: {
			name,
			image: service.outputs.imageDigest,
			replicas,
			published: publish.published,
			mode: publish.mode,
			...(mount.type === "volume" && { volume: mount.name }),
			nodes: nodes.map(({ name, address }: { name: string; address: string }) => ({ name, address })),
		},
		exportPath: outputs.nfs.path,
		...(outputs.lastRollout && { lastRollout: outputs.lastRollout }),
	};
}
