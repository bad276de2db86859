import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { findManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { connect } from "../../lib/ssh.ts";
import { ownerLabel } from "../../lib/swarm.ts";
import { within } from "../../lib/wait.ts";
import { defineProvider } from "../define.ts";
import { differences } from "./adoption.ts";
import type { SwarmClusterInputs, SwarmClusterOutputs } from "./resource.ts";

export const provider = defineProvider<SwarmClusterInputs, SwarmClusterOutputs>({
	inputs: {
		managers: "update",
		advertiseAddress: "ignore",
		machineId: "identity",
		soleAddress: "identity",
		owner: "ignore",
		adopt: "ignore",
		defaultAddrPool: "replace",
		subnetSize: "replace",
		dataPathPort: "replace",
	},
	deleteBeforeReplace: true,

	async create(inputs, { progress }) {
		progress("initialising the swarm");
		const [first, ...others] = inputs.managers as [Connection, ...Connection[]];
		const clusterId = (await ownedCluster(first, inputs)) ?? (await clusterOf(others, inputs)) ?? (await initialise(first, inputs));
		return { id: clusterId, outputs: { clusterId } };
	},

	async read(id, state) {
		const isThere = await isManaged(id, all(state));
		return isThere ? { clusterId: id } : undefined;
	},

	async update(id, olds, news) {
		const managers = [...all(news), ...all(olds)];
		if (!(await isManaged(id, managers)))
			throw new Error(`no manager of the configuration is in swarm ${id} any more: run "pulumi up --refresh" to make it anew`);
		return { clusterId: id };
	},

	async delete(id, state) {
		// The other members have left before: this is the last manager, and with it the swarm ends.
		const last = await findManager({ managers: all(state), clusterId: id }).catch(goneWithItsSwarm);
		if (last) await dockerOn(last).swarmLeave({ force: true });
	},
});

/** A state from before there were several managers names one. */
const all = (state: Partial<SwarmClusterInputs> & { connection?: Connection }) => managersOf({ ...state, manager: state.connection });

async function isManaged(clusterId: string, managers: Connection[]): Promise<boolean> {
	return (await findManager({ managers, clusterId }).catch(goneWithItsSwarm)) !== undefined;
}

/** Seconds another manager may take to tell that it is in a swarm of ours already: at the first `up` it is still being made. */
const glanceSeconds = 5;

/** The swarm of ours that one of these manages, though the first manager is in none: a swarm is never begun beside it. */
async function clusterOf(managers: Connection[], inputs: SwarmClusterInputs): Promise<string | undefined> {
	const look = async (connection: Connection) => {
		await within(`SSH to ${describeConnection(connection)}`, glanceSeconds, connect(connection, glanceSeconds));
		return ownedCluster(connection, inputs);
	};
	const found = await Promise.all(managers.map((connection) => look(connection).catch(() => undefined)));
	return found.find((clusterId) => clusterId !== undefined);
}

/** The ID of the swarm this host manages, if it is ours; undefined if it is in none. @throws Error if it is in another. */
async function ownedCluster(connection: Connection, inputs: SwarmClusterInputs): Promise<string | undefined> {
	const docker = dockerOn(connection);
	const { Swarm: swarm } = await docker.info();
	const state = swarm?.LocalNodeState;
	if (!swarm || state === "inactive") return undefined;
	const host = describeConnection(connection);
	if (!swarm.ControlAvailable) {
		throw new Error(
			`${host} is in a swarm (${state}) but no manager of it: run "docker swarm leave" there, or take the host out of the configuration`,
		);
	}
	const { ID: id, Spec: spec, Version: version, ...settings } = await docker.swarmInspect();
	const owner = spec.Labels?.[ownerLabel];
	if (owner === inputs.owner) return id;
	if (id === inputs.adopt) {
		const found = differences(settings, inputs);
		if (found.length > 0)
			throw new Error(
				`swarm.adopt = "${id}": ${host} manages a swarm that could only be made anew: ${found.join("; ")}: configure what it has, or run "docker swarm leave --force" there`,
			);
		const labels = { ...spec.Labels, [ownerLabel]: inputs.owner };
		await docker.swarmUpdate({ _query: { version: version.Index }, _body: { ...spec, Labels: labels } } as never);
		return id;
	}
	const whose = owner ? `of stack ${owner}` : "made by other means";
	throw new Error(
		`${host} already manages swarm ${id}, ${whose}: set swarm.adopt to this ID to take it over, or run "docker swarm leave --force" there`,
	);
}

async function initialise(connection: Connection, inputs: SwarmClusterInputs): Promise<string> {
	const docker = dockerOn(connection);
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
