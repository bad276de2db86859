import { describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { defineProvider } from "../define.ts";
import type { SwarmClusterInputs, SwarmClusterOutputs } from "./resource.ts";

/** Label on the swarm that names the stack it belongs to. */
const ownerLabel = "scaleout.owner";

export const provider = defineProvider<SwarmClusterInputs, SwarmClusterOutputs>({
	inputs: {
		connection: "update",
		machineId: "identity",
		advertiseAddress: "replace",
		owner: "ignore",
		adopt: "ignore",
		defaultAddrPool: "replace",
		subnetSize: "replace",
		dataPathPort: "replace",
	},
	deleteBeforeReplace: true,

	async create(inputs, { progress }) {
		progress("initialising the swarm");
		const clusterId = (await ownedCluster(inputs)) ?? (await initialise(inputs));
		return { id: clusterId, outputs: { clusterId } };
	},

	async read(id, state) {
		const clusterId = await ownedCluster({ ...state, adopt: id }).catch((error) => {
			if (error instanceof ForeignSwarmError) return undefined;
			throw error;
		});
		return clusterId === id ? { clusterId } : undefined;
	},

	async update(id, _olds, news) {
		const clusterId = await ownedCluster({ ...news, adopt: id });
		if (!clusterId)
			throw new Error(`${describeConnection(news.connection)} is no longer in swarm ${id}: run "pulumi up --refresh" to make it anew`);
		return { clusterId };
	},

	async delete(id, state) {
		const docker = dockerOn(state.connection);
		const { Swarm: swarm } = await docker.info();
		// The members have left before: this is the last manager, and with it the swarm ends.
		if (swarm?.LocalNodeState !== "inactive" && swarm?.Cluster?.ID === id) await docker.swarmLeave({ force: true });
	},
});

class ForeignSwarmError extends Error {}

/** The ID of the swarm this host manages, if it is ours; undefined if it is in none. @throws ForeignSwarmError if it is in another. */
async function ownedCluster(inputs: SwarmClusterInputs): Promise<string | undefined> {
	const docker = dockerOn(inputs.connection);
	const { Swarm: swarm } = await docker.info();
	const state = swarm?.LocalNodeState;
	if (!swarm || state === "inactive") return undefined;
	const host = describeConnection(inputs.connection);
	if (!swarm.ControlAvailable) {
		throw new ForeignSwarmError(
			`${host} is in a swarm (${state}) but no manager of it: run "docker swarm leave" there, or take the host out of the configuration`,
		);
	}
	const { ID: id, Spec: spec } = await docker.swarmInspect();
	const owner = spec.Labels?.[ownerLabel];
	if (owner === inputs.owner || id === inputs.adopt) return id;
	const whose = owner ? `of stack ${owner}` : "made by other means";
	throw new ForeignSwarmError(
		`${host} already manages swarm ${id}, ${whose}: set swarm.adopt to this ID to take it over, or run "docker swarm leave --force" there`,
	);
}

async function initialise(inputs: SwarmClusterInputs): Promise<string> {
	const docker = dockerOn(inputs.connection);
	await docker.swarmInit({
		ListenAddr: "0.0.0.0:2377",
		AdvertiseAddr: inputs.advertiseAddress,
		DataPathPort: inputs.dataPathPort,
		DefaultAddrPool: inputs.defaultAddrPool.length > 0 ? inputs.defaultAddrPool : undefined,
		SubnetSize: inputs.subnetSize,
		Spec: { Labels: { [ownerLabel]: inputs.owner } },
	});
	return (await docker.swarmInspect()).ID;
}
