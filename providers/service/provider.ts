import { scriptText } from "../../host/kit.ts";
import { drainUnit } from "../../lib/agentNames.ts";
import { verdictText } from "../../lib/disruption.ts";
import { ecrRegistry } from "../../lib/ecr.ts";
import { withoutTag } from "../../lib/imageReference.ts";
import { goneWithItsSwarm } from "../../lib/managers.ts";
import { isLossless } from "../../lib/rollout.ts";
import { orUndefined } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import { type Context, defineProvider, PartialFailure, sameValue } from "../define.ts";
import { removeReleased } from "../swarm-secret/claims.ts";
import { type RolledOut, rollOut, withDigest } from "./carryOut.ts";
import { judgeUpdate, needsTasks } from "./judgement.ts";
import { type Means, meansOf } from "./means.ts";
import { observe } from "./observe.ts";
import type { Request } from "./plan.ts";
import { notePortMove } from "./ports.ts";
import { describeProbe, Prober } from "./prober.ts";
import type { ServiceInputs, ServiceMount, ServiceNode, ServiceOutputs } from "./resource.ts";
import { RolloutError } from "./settle.ts";
import { serviceSpec, stopSeconds } from "./spec.ts";
import { removeVolumes, withoutSilent } from "./volumes.ts";

export const provider = defineProvider<ServiceInputs, ServiceOutputs>({
	inputs: {
		managers: "update",
		clusterId: "update",
		name: "replace",
		owner: "ignore",
		adopt: "ignore",
		image: "update",
		// An ECR token is different at every run, and the managers renew it (host/agents/registry_login.py).
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
		serverName: "ignore",
		convergeSeconds: "ignore",
		placement: "update",
		// A host renamed in the configuration is the same node.
		nodes: (old, fresh) => (sameValue(old.map(nameless), fresh.map(nameless)) ? "ignore" : "update"),
	},
	deleteBeforeReplace: true,
	drift: ({ observed, replicas, imageDigest }) =>
		withoutTag(observed.image) === withoutTag(imageDigest) && observed.running === replicas && !observed.differs?.length
			? []
			: ["observed"],

	async create(inputs, context) {
		const outputs = await brought(inputs, undefined, context, { hasNewLogin: true });
		return { id: outputs.serviceId, outputs: { ...outputs, lastRollout: null } };
	},

	// The resource's ID is that of its first service. The current one may differ: an update creates another service in a swarm that was recreated.
	async read(_id, state, context) {
		const { serviceId, imageDigest } = state;
		const wanted = { ...state, image: imageDigest };
		const observed = await observe(serviceId, wanted, meansOf(state, context), state.observed?.inherited).catch(goneWithItsSwarm);
		return observed && { serviceId, imageDigest, observed, lastRollout: state.lastRollout ?? null };
	},

	describeChange: (changed, olds, news) => verdictText(judgeUpdate(changed, olds, news)),

	async update(_id, olds, news, context) {
		notePortMove(olds, news);
		const prober = new Prober(news, news.rollout.prober);
		const hasNewLogin = !sameValue(olds.registryAuth, news.registryAuth);
		const progress = (message: string) => context.progress([message, describeProbe(prober.result())].filter(Boolean).join("; "));
		const means = meansOf(news, context);
		let outputs: RolledOut;
		try {
			outputs = await brought(news, olds, { ...context, progress }, { hasNewLogin, keepsTasks: keepsTasks(olds, news) });
		} catch (error) {
			// What is in use is not removed, so this removes only what the failed version created.
			if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, means, nameOf(olds.mount)).catch(() => {});
			throw error;
		} finally {
			await prober.stop();
		}
		if (!sameValue(olds.mount, news.mount)) await removeVolumes(news, means, nameOf(news.mount));
		await removeReleased(means.swarm, news.owner).catch((error: Error) => context.note(`old secrets are left: ${error.message}`));
		const probed = prober.result();
		if (probed) context.note(describeProbe(probed));
		const lastRollout = probed ?? olds.lastRollout ?? null;
		if (probed?.failed && news.rollout.prober.failOnError) {
			const problem = `services.${news.name}.rollout.prober: the rollout is complete, but requests failed: ${describeProbe(probed)}`;
			throw new PartialFailure(outputs.serviceId, { ...outputs, lastRollout }, problem);
		}
		return { ...outputs, lastRollout };
	},

	async delete(_id, state, context) {
		const means = meansOf(state, context);
		const nodes = await withoutSilent(state.nodes, means);
		// No new tasks follow, so no node needs to wait for another one.
		if (isLossless(state))
			await Promise.all(
				nodes.map(({ connection }) => means.shell(connection, scriptText("drain/ending", { unit: drainUnit(state.name) }))),
			);
		const removed = orUndefined(means.swarm.getService(state.serviceId).remove());
		const hasSwarm = await removed.then(() => true).catch(goneWithItsSwarm);
		const rest = { ...state, nodes };
		// If the swarm is gone, its tasks run until their nodes leave it; the volumes in use are removed then, too.
		if (hasSwarm)
			await until({ what: "tasks stopping", deadlineSeconds: stopSeconds(state) + 120, progress: context.progress }, async () => {
				const left = await containersLeft(rest, means);
				return left === 0 ? { done: undefined } : { waiting: `${left} containers left` };
			});
		await removeVolumes(rest, means);
	},
});

/** Rolls out. If that fails, the state records what really exists. */
async function brought(
	news: ServiceInputs,
	olds: (ServiceInputs & ServiceOutputs) | undefined,
	context: Context,
	request: Partial<Request>,
): Promise<RolledOut> {
	const means = meansOf(news, context);
	try {
		return await rollOut(news, means, request);
	} catch (error) {
		if (!(error instanceof RolloutError)) throw error;
		throw await failure(error, news, olds, means);
	}
}

const nothingKnown = { image: "", running: 0, differs: [] };

/**
 * After a rollback the service is what the state says, so the state stays. The exception: an earlier `up` ended half-way, and the rollback restored a
 * version that the state does not describe. Then, and whenever a rollout did not end, the state takes the new inputs and what was observed, so that
 * the next `up` has something to do.
 */
export async function failure(error: RolloutError, news: ServiceInputs, olds: (ServiceInputs & ServiceOutputs) | undefined, means: Means) {
	const { serviceId, inherited } = error;
	let { message } = error;
	if (error.isRolledBack && olds) {
		const before = { ...olds, image: olds.imageDigest };
		const found = await observe(serviceId, before, means, olds.observed?.inherited).catch(() => undefined);
		const isBack = found && withoutTag(found.image) === withoutTag(olds.imageDigest);
		if (isBack && found.differs.length === 0) return new Error(message);
		// It is the previous version only for Swarm.
		if (found)
			message += `\nwhat is back had itself come half-way only, it is not what the last up brought that succeeded: ${found.differs.join(", ")}`;
	}
	const imageDigest = await withDigest(news, means).catch(() => "");
	const found = await observe(serviceId, { ...news, image: imageDigest }, means, inherited).catch(() => undefined);
	const outputs = { serviceId, imageDigest, observed: found ?? nothingKnown, lastRollout: olds?.lastRollout ?? null };
	return new PartialFailure(serviceId, outputs, message);
}

/** A service that was taken over keeps its tasks until something needs new ones. Pure. */
export function keepsTasks({ observed, ...olds }: ServiceInputs & ServiceOutputs, news: ServiceInputs): boolean {
	const isWanted = (inputs: ServiceInputs) => serviceSpec(inputs).TaskTemplate;
	return (observed?.inherited?.length ?? 0) > 0 && !observed.differs.some(needsTasks) && sameValue(isWanted(olds), isWanted(news));
}

const nameless = ({ name: _name, isMade: _isMade, ...node }: ServiceNode) => node;

const nameOf = (mount: ServiceMount) => (mount.type === "volume" ? mount.name : undefined);

async function containersLeft({ serviceId, nodes }: ServiceInputs & ServiceOutputs, { dockerOn }: Means): Promise<number> {
	const filters = { label: [`com.docker.swarm.service.id=${serviceId}`] };
	const counts = await Promise.all(nodes.map(async ({ connection }) => (await dockerOn(connection).listContainers({ filters })).length));
	return counts.reduce((sum, count) => sum + count, 0);
}
