import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { findManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { connect } from "../../lib/ssh.ts";
import { ownerLabel, retryOutOfSequence } from "../../lib/swarm.ts";
import { within } from "../../lib/wait.ts";
import { defineProvider, sameValue } from "../define.ts";
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
		dispatcherHeartbeatSeconds: "update",
	},
	deleteBeforeReplace: true,
	drift: ({ observed, dispatcherHeartbeatSeconds }) => (sameValue(observed, { dispatcherHeartbeatSeconds }) ? [] : ["observed"]),

	async create(inputs, { progress }) {
		progress("initialising the swarm");
		const [first, ...others] = inputs.managers as [Connection, ...Connection[]];
		const clusterId = (await ownedCluster(first, inputs)) ?? (await clusterOf(others, inputs)) ?? (await initialise(first, inputs));
		return { id: clusterId, outputs: await withSettings((await managerOf(clusterId, inputs.managers)) ?? first, inputs) };
	},

	async read(id, state) {
		const manager = await managerOf(id, all(state));
		return manager && outputsOf(await dockerOn(manager).swarmInspect());
	},

	async update(id, olds, news) {
		const manager = await managerOf(id, [...all(news), ...all(olds)]);
		if (!manager) throw new Error(`no manager of the configuration is in swarm ${id} any more: run "pulumi up --refresh" to make it anew`);
		return withSettings(manager, news);
	},

	async delete(id, state) {
		// The other members have left before: this is the last manager, and with it the swarm ends.
		const last = await managerOf(id, all(state));
		if (last) await dockerOn(last).swarmLeave({ force: true });
	},
});

/** In the API's nanoseconds. */
const second = 1e9;

/** A state from before there were several managers names one. */
const all = (state: Partial<SwarmClusterInputs> & { connection?: Connection }) => managersOf({ ...state, manager: state.connection });

/** A manager of the swarm; undefined when none of these is in it any more. */
async function managerOf(clusterId: string, managers: Connection[]): Promise<Connection | undefined> {
	return findManager({ managers, clusterId }).catch(goneWithItsSwarm);
}

function outputsOf({ ID: clusterId, Spec: spec }: Docker.Swarm): SwarmClusterOutputs {
	return { clusterId, observed: { dispatcherHeartbeatSeconds: (spec.Dispatcher?.HeartbeatPeriod ?? 0) / second } };
}

const dispatcherOf = (inputs: SwarmClusterInputs) => ({ HeartbeatPeriod: inputs.dispatcherHeartbeatSeconds * second });

/** Brings the swarm to what can be changed while it lives. */
async function withSettings(manager: Connection, inputs: SwarmClusterInputs): Promise<SwarmClusterOutputs> {
	const docker = dockerOn(manager);
	return retryOutOfSequence(async () => {
		const found = await docker.swarmInspect();
		const { Spec: spec, Version: version } = found;
		const wanted = { ...spec, Dispatcher: { ...spec.Dispatcher, ...dispatcherOf(inputs) } };
		if (sameValue(spec, wanted)) return outputsOf(found);
		await docker.swarmUpdate({ _query: { version: version.Index }, _body: wanted } as never);
		return outputsOf(await docker.swarmInspect());
	});
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
		Spec: { Labels: { [ownerLabel]: inputs.owner }, Dispatcher: dispatcherOf(inputs) },
	});
	return (await docker.swarmInspect()).ID;
}
