import type Docker from "dockerode";
import { type Connection, describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { dockerOnManager, findManager, goneWithItsSwarm, managersOf } from "../../lib/managers.ts";
import { connect } from "../../lib/ssh.ts";
import { ownerLabel, retryOutOfSequence, second } from "../../lib/swarm.ts";
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
		// The other members have left before: this is the last manager, and with it the swarm ends.
		const last = await findManager({ managers: all(state), clusterId: id }).catch(goneWithItsSwarm);
		if (last) await dockerOn(last).swarmLeave({ force: true });
	},
});

/** A state from before there were several managers names one. */
const all = (state: Partial<SwarmClusterInputs> & { connection?: Connection }) => managersOf({ ...state, manager: state.connection });

function outputsOf({ ID: clusterId, Spec: spec }: Docker.Swarm): SwarmClusterOutputs {
	return { clusterId, observed: { dispatcherHeartbeatSeconds: (spec.Dispatcher?.HeartbeatPeriod ?? 0) / second } };
}

/** The spec with what can be changed while the swarm lives. */
function settled<Spec extends Partial<Docker.Swarm["Spec"]>>(spec: Spec, { dispatcherHeartbeatSeconds }: SwarmClusterInputs) {
	return { ...spec, Dispatcher: { ...spec.Dispatcher, HeartbeatPeriod: dispatcherHeartbeatSeconds * second } };
}

/** Brings the swarm to what can be changed while it lives. */
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
	// A host so slow that it has not answered in time is asked again, and may have done it meanwhile: whose the swarm is, it says itself.
	await made.catch((error: Error) => {
		if (!/already part of a swarm/.test(error.message)) throw error;
	});
	return (await ownedCluster(connection, inputs)) as string;
}
