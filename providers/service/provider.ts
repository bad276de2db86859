import { dockerOn } from "../../lib/docker.ts";
import { ecrRegistry } from "../../lib/ecr.ts";
import { goneWithItsSwarm } from "../../lib/managers.ts";
import { orUndefined } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import { defineProvider, PartialFailure, sameValue } from "../define.ts";
import { converge, swarmOf } from "./apply.ts";
import type { Converged } from "./converge.ts";
import { disruption } from "./disruption.ts";
import { observe } from "./observe.ts";
import { describeProbe, Prober } from "./prober.ts";
import type { ServiceInputs, ServiceMount, ServiceNode, ServiceOutputs } from "./resource.ts";
import { serviceSpec } from "./spec.ts";
import { removeVolumes, withoutSilent, wrongVolumes } from "./volumes.ts";

export const provider = defineProvider<ServiceInputs, ServiceOutputs>({
	inputs: {
		managers: "update",
		clusterId: "update",
		name: "replace",
		owner: "ignore",
		adopt: "ignore",
		image: "update",
		// An ECR token is another one at every run, and the managers renew it (agent/registry-login.py).
		registryAuth: (_old, fresh) => (ecrRegistry(fresh?.serveraddress) ? "ignore" : "update"),
		replicas: "update",
		// Swarm cannot turn a global service into a replicated one.
		publish: (old, fresh) => (old.mode === fresh.mode ? "update" : "replace"),
		env: "update",
		secretEnv: "update",
		secrets: "update",
		mount: "update",
		user: "update",
		health: "update",
		cpus: "update",
		memoryMiB: "update",
		stopGraceSeconds: "update",
		restart: "update",
		rollout: "update",
		endpoint: "ignore",
		convergeSeconds: "ignore",
		placement: "update",
		// A host under another name in the configuration is the same node.
		nodes: (old, fresh) => (sameValue(old.map(nameless), fresh.map(nameless)) ? "ignore" : "update"),
	},
	deleteBeforeReplace: true,
	drift: ({ observed, replicas, imageDigest }) =>
		observed.image === imageDigest && observed.running === replicas && !observed.differs?.length ? [] : ["observed"],

	async create(inputs, context) {
		const outputs = await converge(inputs, context, true);
		return { id: outputs.serviceId, outputs: { ...outputs, lastRollout: null } };
	},

	// The resource's own ID is that of its first service. An update makes another one where there is none: in a swarm that was made anew.
	async read(_id, state, context) {
		const { serviceId } = state;
		const observed = await observe(swarmOf(state), serviceId, { ...state, image: state.imageDigest }, state.observed?.asFound).catch(
			goneWithItsSwarm,
		);
		if (!observed) return undefined;
		const differs = [...observed.differs, ...(await wrongVolumes(state, context)).map(({ description }) => description)];
		return { serviceId, imageDigest: state.imageDigest, observed: { ...observed, differs }, lastRollout: state.lastRollout ?? null };
	},

	describeChange: (changed, olds, news) => disruption(changed, olds, news),

	async update(_id, olds, news, context) {
		const prober = new Prober(news.endpoint, news.rollout.prober);
		const hasNewLogin = !sameValue(olds.registryAuth, news.registryAuth);
		const progress = (message: string) => context.progress([message, describeProbe(prober.result())].filter(Boolean).join("; "));
		let outputs: Converged;
		try {
			outputs = await converge(news, { ...context, progress }, hasNewLogin, keepsTasks(olds, news));
		} catch (error) {
			// What is in use is not removed, so this takes only what the failed version brought along.
			if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, context, nameOf(olds.mount)).catch(() => {});
			throw error;
		} finally {
			await prober.stop();
		}
		if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, context, nameOf(news.mount));
		const probed = prober.result();
		if (probed) context.note(describeProbe(probed));
		const lastRollout = probed ?? olds.lastRollout ?? null;
		if (probed?.failed && news.rollout.prober.failOnError) {
			const problem = `service.rollout.prober: the rollout is complete, but requests failed: ${describeProbe(probed)}`;
			throw new PartialFailure(outputs.serviceId, { ...outputs, lastRollout }, problem);
		}
		return { ...outputs, lastRollout };
	},

	async delete(_id, state, context) {
		const manager = swarmOf(state);
		const removed = orUndefined(manager.getService(state.serviceId).remove());
		const hasSwarm = await removed.then(() => true).catch(goneWithItsSwarm);
		const rest = { ...state, nodes: await withoutSilent(state.nodes, context) };
		// Nobody stops the tasks of a swarm that is gone, until their nodes leave it; the volumes in use go then, too.
		if (hasSwarm)
			await until({ what: "tasks stopping", deadlineSeconds: 120, progress: context.progress }, async () => {
				const left = await containersLeft(rest);
				return left === 0 ? { done: undefined } : { waiting: `${left} containers left` };
			});
		await removeVolumes(rest, context);
	},
});

/** A service that was taken over keeps its tasks as they are until something asks for new ones. Pure. */
function keepsTasks({ observed, ...olds }: ServiceInputs & ServiceOutputs, news: ServiceInputs): boolean {
	const isWanted = (inputs: ServiceInputs) => serviceSpec(inputs).TaskTemplate;
	return (observed?.asFound?.length ?? 0) > 0 && observed.differs.length === 0 && sameValue(isWanted(olds), isWanted(news));
}

const nameless = ({ name: _name, isMade: _isMade, ...node }: ServiceNode) => node;

const nameOf = (mount: ServiceMount) => (mount.type === "volume" ? mount.name : undefined);

async function containersLeft({ serviceId, nodes }: ServiceInputs & ServiceOutputs): Promise<number> {
	const filters = { label: [`com.docker.swarm.service.id=${serviceId}`] };
	const counts = await Promise.all(nodes.map(async ({ connection }) => (await dockerOn(connection).listContainers({ filters })).length));
	return counts.reduce((sum, count) => sum + count, 0);
}
