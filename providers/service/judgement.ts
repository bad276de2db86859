import { graver, type Verdict } from "../../lib/disruption.ts";
import { withoutTag } from "../../lib/imageReference.ts";
import { isLossless } from "../../lib/rollout.ts";
import { holdsUnknown } from "../define.ts";
import { differences, replacesTasks } from "./compare.ts";
import type { Act } from "./plan.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { saysHeld, saysSilent } from "./serving.ts";
import { serviceSpec } from "./spec.ts";
import { saysVolume } from "./volumes.ts";

/*
 * What the acts of a plan do to the service's users. A preview needs this before anything is observed. Then the acts follow from the changes and from
 * the state, which holds the last observation. Pure.
 */

/** Inputs whose changes never replace tasks. */
const withoutRestart = ["managers", "clusterId", "registryAuth", "nodes", "replicas", "convergeSeconds"];

type Olds = Partial<ServiceInputs & ServiceOutputs>;

/** The verdict on the gravest act. */
export function judge(acts: Act[], inputs: ServiceInputs, because = "", olds: Olds = {}): Verdict {
	const verdicts = acts.map((act) => judgeAct(act, inputs, because, olds));
	return verdicts.toSorted((a, b) => graver(b.class, a.class))[0] ?? { class: "none", reason: "nothing is done" };
}

function judgeAct(act: Act, inputs: ServiceInputs, because: string, olds: Olds): Verdict {
	switch (act.kind) {
		case "create":
			return { class: "none", reason: "a new service" };
		case "refuse":
			return { class: "none", reason: act.why };
		case "takeOver":
			return { class: "none", reason: "the service is taken over as it runs" };
		case "settle":
			return { class: "none", reason: because ? `${because}: the tasks stay as they are` : "the tasks stay as they are" };
		case "remakeVolume":
			return rolling(`${act.volume}: it is recreated, without the node's task`, inputs, olds);
		case "replaceTask":
			return { class: "lossless rolling", reason: `${act.why}: it is replaced; nobody gets anything from it now` };
		case "writeSpec":
			return act.replaces ? replacing(act, inputs, because, olds) : { class: "none", reason: `${because}: the tasks stay as they are` };
	}
}

function replacing(act: Extract<Act, { kind: "writeSpec" }>, inputs: ServiceInputs, because: string, olds: Olds): Verdict {
	const found = rolling(`${because} replaces the tasks of ${inputs.name}`, inputs, olds);
	if (!act.movesPort) return found;
	const reason = `${found.reason}; then, until the load balancer learns the new port, requests fail`;
	return { class: "interruption", reason };
}

/** Tasks are replaced, node after node. */
function rolling(what: string, inputs: ServiceInputs, olds: Olds): Verdict {
	const { rollout, publish } = inputs;
	if (publish.mode === "ingress")
		return {
			class: "interruption",
			reason: `${what}: rolling update by Swarm, new tasks first; the routing mesh moves on to them, and requests in flight may fail`,
		};
	const count = nodeCount(inputs);
	const inOrder = rollout.order.length > 0;
	const atOnce = inOrder ? 1 : rollout.parallelism;
	const pace = `${atOnce} of ${count ? `${count} nodes` : "all nodes"} at a time${inOrder ? `, first ${rollout.order.join(", ")}` : ""}`;
	if (!isLossless(inputs))
		return { class: "interruption", reason: `${what}: rolling update by Swarm, ${pace}; requests to a node that is replaced fail` };
	// The old tasks are drained with the limit they were started with.
	const until = unannounced(olds) ?? `${(olds.rollout ?? rollout).drainLimitSeconds} s`;
	const rest = `what is in flight longer than ${until} is cut; on failure: ${rollout.failureAction}`;
	// The load balancer learns of new nodes only after the rollout.
	const known = Array.isArray(olds.nodes) ? olds.nodes.length : undefined;
	if (known !== undefined && known <= atOnce && known < (count ?? Number.POSITIVE_INFINITY)) {
		const nobody = `the load balancer knows ${known === 1 ? "one node" : `${known} nodes`} until this rollout is over, and all of those may be replaced at a time`;
		return { class: "interruption", reason: `${what}: ${nobody}: add the nodes in an up of their own, before; ${rest}` };
	}
	if (count !== undefined && count <= atOnce) {
		const nobody = count === 1 ? "the only node that serves is replaced" : "all nodes are replaced at a time";
		return { class: "interruption", reason: `${what}: ${nobody}: nothing answers until its new task does; ${rest}` };
	}
	return {
		class: "lossless rolling",
		reason: `${what}: lossless rolling update, ${pace}; no request fails, ${atOnce === 1 ? "one node less" : `${atOnce} nodes less`} serve meanwhile; ${rest}`,
	};
}

/** How long requests may take if the agents do not see the old tasks stop; undefined if they do. */
function unannounced({ observed, rollout, publish }: Olds): string | undefined {
	if (observed?.inherited?.length) return "a second, once, as the service was made by other means,";
	const isOwn = rollout && publish && typeof rollout === "object" && typeof publish === "object";
	const wasLossless = !isOwn || isLossless({ publish, rollout } as ServiceInputs);
	const isByHand = observed?.differs?.includes("TaskTemplate.ContainerSpec.StopSignal");
	return wasLossless && !isByHand ? undefined : "a second, once, as Docker does not announce the old tasks' stop,";
}

/** Undefined while the nodes are not known, as in the preview of new ones. */
function nodeCount({ nodes }: ServiceInputs): number | undefined {
	return Array.isArray(nodes) ? nodes.length : undefined;
}

/** What an update of the service does. `changed`: the inputs that change; empty if only the observed state differs. */
export function judgeUpdate(changed: string[], olds: Olds, news: ServiceInputs): Verdict {
	const recreated = [...(changed.includes("name") ? ["name"] : []), ...(movesMode(changed, olds, news) ? ["publish.mode"] : [])];
	if (recreated.length > 0)
		return {
			class: "interruption",
			reason: `${recreated.join(", ")}: the service is removed and another one made: nothing answers until its tasks do`,
		};
	const { acts, because } = rememberedPlan(changed, olds, news);
	const verdict = judge(acts, news, because, olds);
	if (!changed.includes("mount") || !movesLogs(olds.mount, news.mount)) return verdict;
	return { class: "data", reason: `logs go to another place, those of before stay; ${verdict.reason}` };
}

/** The plan, as far as it follows from the state, and its reason. */
function rememberedPlan(changed: string[], olds: Olds, news: ServiceInputs): { acts: Act[]; because: string } {
	const seen = olds.observed?.differs ?? [];
	const isPart = (line: string) => !saysSilent(line) && !saysVolume(line);
	const byHand = [...seen.filter(isPart), ...imageByHand(olds)];
	const causes = causesOfRestart(changed, olds, news);
	const writes = changed.some((name) => name !== "nodes") || byHand.length > 0;
	const restarts = causes.length > 0 || byHand.some(needsTasks);
	const named = causes.length > 0 ? causes : changed;
	const because = [...named, ...(byHand.length > 0 ? [`what was changed by hand (${byHand.join(", ")})`] : [])].join(", ");
	const held = seen.filter(saysHeld);
	const silent = restarts ? [] : seen.filter((line) => saysSilent(line) && !saysHeld(line));
	const awaited = held.length > 0 ? `${held.join("; ")}: it is waited for` : seen.length > 0 ? "" : "what is missing is waited for";
	return {
		because: because || awaited,
		acts: [
			...seen.filter(saysVolume).map((volume): Act => ({ kind: "remakeVolume", node: "", volume })),
			...(writes
				? [{ kind: "writeSpec", replaces: restarts, closesByHand: false, movesPort: movesPort(changed, olds, news) } as const]
				: []),
			...silent.map((why): Act => ({ kind: "replaceTask", node: "", container: "", why })),
			{ kind: "settle" },
		],
	};
}

/** Whether correcting this observed difference needs new tasks on all nodes. */
export const needsTasks = (line: string): boolean =>
	!saysSilent(line) && !saysVolume(line) && (replacesTasks(line) || /^(UpdateStatus|what runs)/.test(line));

function imageByHand({ observed, imageDigest }: Olds): string[] {
	if (!observed || !imageDigest || withoutTag(observed.image) === withoutTag(imageDigest)) return [];
	if (observed.image === "") return ["what runs is not known"];
	return observed.differs?.includes("TaskTemplate.ContainerSpec.Image") ? [] : ["TaskTemplate.ContainerSpec.Image"];
}

function movesMode(changed: string[], olds: Olds, news: ServiceInputs): boolean {
	return changed.includes("publish") && olds.publish !== undefined && olds.publish.mode !== news.publish.mode;
}

function movesPort(changed: string[], olds: Olds, news: ServiceInputs): boolean {
	return changed.includes("publish") && olds.publish?.published !== news.publish.published;
}

/** The changed inputs that need new tasks. If both specs are fully known, each input is tried alone. */
function causesOfRestart(changed: string[], olds: Olds, news: ServiceInputs): string[] {
	const suspects = changed.filter((name) => !withoutRestart.includes(name));
	if (!isWhole(olds) || !isWhole(news)) return suspects;
	const before = serviceSpec(olds);
	return suspects.filter((name) => {
		const after = serviceSpec({ ...olds, [name]: news[name as keyof ServiceInputs] });
		return differences(before, after).some(replacesTasks);
	});
}

/** Whether a spec can be built from it: nothing is unknown, or hidden as a secret. */
function isWhole(inputs: Olds): inputs is ServiceInputs {
	const { env, secretEnv, mount, publish, health, rollout, placement, secrets, name, image } = inputs;
	const isRecord = (value: unknown) => value !== null && typeof value === "object" && !holdsUnknown(value);
	return [env, secretEnv, mount, publish, health, rollout, placement, secrets].every(isRecord) && !!name && !!image && !holdsUnknown(image);
}

function movesLogs(old?: Partial<Record<string, unknown>>, fresh?: Partial<Record<string, unknown>>): boolean {
	return ["type", "device", "source", "target"].some((key) => old?.[key] !== fresh?.[key]);
}
