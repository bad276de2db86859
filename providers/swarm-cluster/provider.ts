import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, findManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { connect } from "../../lib/ssh.ts";
import { ownerLabel, refuseLocked, retryOutOfSequence, second } from "../../lib/swarm.ts";
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
		return { id: clusterId, outputs: await withSettings(dockerOnManager({ managers: inputs.managers, clusterId }), inputs) };
	},

	async read(id, state) {
		const manager = dockerOnManager({ managers: all(state), clusterId: id });
		const found = await manager.swarmInspect().catch(goneWithItsSwarm);
		return found && outputsOf(found);
	},

	async update(id, olds, news) {
		const manager = dockerOnManager({ managers: [...all(news), ...all(olds)], clusterId: id });
		const outputs = await withSettings(manager, news).catch(goneWithItsSwarm);
		if (!outputs) throw new Error(`no manager of the configuration is in swarm ${id} any more: run "pulumi up --refresh" to recreate it`);
		return outputs;
	},

	async delete(id, state) {
		// The other members have already left: this is the last manager, and the swarm ends with it.
		const last = await findManager({ managers: all(state), clusterId: id }).catch(goneWithItsSwarm);
		if (last) await dockerOn(last).swarmLeave({ force: true });
	},
});

/** An old state, from before several managers were supported, names one. */
const all = (state: Partial<SwarmClusterInputs> & { connection?: Connection }) => managersOf({ ...state, manager: state.connection });

function outputsOf({ ID: clusterId, Spec: spec }: Docker.Swarm): SwarmClusterOutputs {
	return { clusterId, observed: { dispatcherHeartbeatSeconds: (spec.Dispatcher?.HeartbeatPeriod ?? 0) / second } };
}

/** The spec with those settings that can change while the swarm exists. */
function settled<Spec extends Partial<Docker.Swarm["Spec"]>>(spec: Spec, { dispatcherHeartbeatSeconds }: SwarmClusterInputs) {
	return { ...spec, Dispatcher: { ...spec.Dispatcher, HeartbeatPeriod: dispatcherHeartbeatSeconds * second } };
}

/** Applies those settings that can change while the swarm exists. */
function withSettings(manager: Docker, inputs: SwarmClusterInputs): Promise<SwarmClusterOutputs> {
	return retryOutOfSequence(async () => {
		const found = await manager.swarmInspect();
		const { Spec: spec, Version: version } = found;
		const wanted = settled(spec, inputs);
		if (sameValue(spec, wanted)) return outputsOf(found);
		await manager.swarmUpdate({ _query: { version: version.Index }, _body: wanted } as never);
		return outputsOf(await manager.swarmInspect());
	});
}

/** Seconds another manager may take to report that it is already in this stack's swarm. Short: at the first `up` its host is still being created. */
const glanceSeconds = 5;

/** This stack's swarm that one of these already manages, although the first manager is in none: no second swarm is created beside it. */
async function clusterOf(managers: Connection[], inputs: SwarmClusterInputs): Promise<string | undefined> {
	const look = async (connection: Connection) => {
		await within(`SSH to ${describeConnection(connection)}`, glanceSeconds, connect(connection, glanceSeconds));
		return ownedCluster(connection, inputs);
	};
	const found = await Promise.all(managers.map((connection) => look(connection).catch(() => undefined)));
	return found.find((clusterId) => clusterId !== undefined);
}

/** The ID of the swarm that this host manages, if that is this stack's; undefined if the host is in none. @throws Error if it is in another. */
async function ownedCluster(connection: Connection, inputs: SwarmClusterInputs): Promise<string | undefined> {
	const docker = dockerOn(connection);
	const { Swarm: swarm } = await docker.info();
	const state = swarm?.LocalNodeState;
	if (!swarm || state === "inactive") return undefined;
	const host = describeConnection(connection);
	refuseLocked(host, state);
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
				`swarm.adopt = "${id}": ${host} manages a swarm that could only be recreated: ${found.join("; ")}: configure what it has, or run "docker swarm leave --force" there`,
			);
		const labels = { ...spec.Labels, [ownerLabel]: inputs.owner };
		const wanted = settled({ ...spec, Labels: labels }, inputs);
		await docker.swarmUpdate({ _query: { version: version.Index }, _body: wanted } as never);
		return id;
	}
	const whose = owner ? `of stack ${owner}` : "made by other means";
	throw new Error(
		`${host} already manages swarm ${id}, ${whose}: set swarm.adopt to this ID to take it over, or run "docker swarm leave --force" there`,
	);
}

async function initialise(connection: Connection, inputs: SwarmClusterInputs): Promise<string> {
	const made = dockerOn(connection).swarmInit({
		ListenAddr: "0.0.0.0:2377",
		AdvertiseAddr: inputs.advertiseAddress,
		DataPathPort: inputs.dataPathPort,
		DefaultAddrPool: inputs.defaultAddrPool.length > 0 ? inputs.defaultAddrPool : undefined,
		SubnetSize: inputs.subnetSize,
		Spec: settled({ Labels: { [ownerLabel]: inputs.owner } }, inputs),
	});
	// The client repeats the request if a slow host has not answered in time, and the first one may have succeeded. `ownedCluster` checks the owner.
	await made.catch((error: Error) => {
		if (!/already part of a swarm/.test(error.message)) throw error;
	});
	return (await ownedCluster(connection, inputs)) as string;
}
