import { describeConnection } from "../../../lib/connection.ts";
import type { DeployedResource } from "../../../lib/deployment.ts";
import { second } from "../../../lib/swarm.ts";
import type { ServiceInputs } from "../../../providers/service/resource.ts";
import { volumeOptions } from "../../../providers/service/spec.ts";
import type { SwarmClusterInputs } from "../../../providers/swarm-cluster/resource.ts";

/*
 * What a refresh asks the swarm, as variables of playbook.yml. They are made from the stack's state.
 */

/** The playbook's `swarm`, for the one manager that is asked. */
export interface SwarmVariables {
	/** ID of the swarm. */
	cluster: string;
	/** Of the dispatcher, in nanoseconds. */
	heartbeatPeriod: number;
	nodes: { id: string; role: string; labels: Record<string, string> }[];
	/** Name of the service. */
	service: string;
	replicas: number;
	/** Names of the service's secrets. */
	secrets: string[];
}

/** The playbook's `volume`. */
export interface VolumeVariables {
	name: string;
	options: Record<string, string>;
}

export interface SwarmChecks {
	/** Name of the host that is asked for everything but volumes. */
	manager: string;
	swarm: SwarmVariables;
	/** By host name. */
	volumes: Record<string, VolumeVariables>;
}

/** Pure. @throws Error when the stack is not deployed, or only half. */
export function swarmChecksOf(resources: DeployedResource[]): SwarmChecks {
	const ofType = (type: string) => resources.filter((resource) => resource.type.endsWith(`dynamic/scaleout:${type}`));
	const [cluster] = ofType("SwarmCluster");
	const [service] = ofType("Service");
	const nodes = ofType("SwarmNode");
	const labelsOf = (id: string) => {
		const own = ofType("NodeLabel").filter(({ inputs }) => inputs.nodeId === id);
		return Object.fromEntries(own.map(({ inputs: { label, value } }) => [label, value]));
	};
	const settings = cluster?.inputs as SwarmClusterInputs | undefined;
	const [asked] = settings?.managers.map(describeConnection) ?? [];
	const manager = ofType("HostBootstrap").find(({ inputs }) => describeConnection(inputs.connection) === asked);
	if (!cluster || !settings || !service || !manager) throw new Error("the stack is not deployed, or only half: run pulumi up");
	const { name, replicas, secrets, mount, nodes: serving } = service.inputs as ServiceInputs;
	const volume = mount.type === "volume" && { name: mount.name, options: volumeOptions(mount) };
	return {
		manager: manager.inputs.host,
		swarm: {
			cluster: cluster.outputs.clusterId,
			heartbeatPeriod: settings.dispatcherHeartbeatSeconds * second,
			nodes: nodes.map(({ inputs, outputs }) => ({ id: outputs.nodeId, role: inputs.role, labels: labelsOf(outputs.nodeId) })),
			service: name,
			replicas,
			secrets: secrets.map((secret) => secret.name),
		},
		volumes: volume ? Object.fromEntries(serving.map((node) => [node.name, volume])) : {},
	};
}
