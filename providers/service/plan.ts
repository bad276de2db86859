import { announcement } from "../../lib/agentNames.ts";
import { isLossless } from "../../lib/rollout.ts";
import { type Node, ownerLabel, type Task } from "../../lib/swarm.ts";
import { adoptionPlan, keepsNoOrder } from "./adoption.ts";
import { differences, replacesTasks } from "./compare.ts";
import type { ServiceInputs } from "./resource.ts";
import { admissionSeconds, isHeld, isKeptOut, type NodeCheck, whySilent } from "./serving.ts";
import { type ServiceSpec, serviceSpec } from "./spec.ts";
import { isRunning } from "./tasks.ts";
import type { WrongVolume } from "./volumes.ts";

/*
 * The acts that make a service match its inputs, as data. carryOut.ts carries them out; judgement.ts says what they mean for requests. Pure.
 */

/** What Swarm says about the last update. */
export interface UpdateStatus {
	State: string;
	StartedAt?: string;
	Message: string;
}

/** A service as the Engine API shows it. */
export interface Found {
	ID: string;
	Spec: ServiceSpec;
	UpdateStatus?: UpdateStatus;
}

/** What was found. */
export interface Facts {
	/** Undefined: the service does not exist. */
	service?: Found;
	/** All tasks of the service. */
	tasks: Task[];
	/** All nodes of the swarm. */
	nodes: Node[];
	/** The nodes' volumes that are not as configured. */
	volumes: Pick<WrongVolume, "node" | "isOwn" | "description">[];
	/** Of those wanted nodes that were checked. */
	checks: NodeCheck[];
	/** Name of another service of the stack that has the port. */
	portHolder?: string | undefined;
}

/** What is requested besides the inputs. */
export interface Request {
	/** The nodes' registry login is new, even if the spec is not. */
	hasNewLogin: boolean;
	/** The tasks of a service that was taken over stay as found. */
	keepsTasks: boolean;
	/** Names of nodes that Swarm's updater waits for in vain. */
	lost: string[];
	/** Names of nodes whose task has already been replaced. */
	replaced: string[];
}

export const plainRequest: Request = { hasNewLogin: false, keepsTasks: false, lost: [], replaced: [] };

export type Act =
	| { kind: "create" }
	/** Nothing is touched. */
	| { kind: "refuse"; why: string }
	/** Marks a service made by other means as this stack's, or applies what needs no new task to one taken over. `though`: for a new login. */
	| { kind: "takeOver"; though?: "login" }
	/** `volume`: describes it as it is. */
	| { kind: "remakeVolume"; node: string; volume: string }
	| {
			kind: "writeSpec";
			/** Swarm replaces the tasks. */
			replaces: boolean;
			/** Why a spec is written that the service already has: Swarm stopped, must pull with another login, or waits for a lost node. */
			though?: "stopped" | "login" | "lost";
			/** The old tasks stop unannounced: see unannouncedStops.ts. */
			closesByHand: boolean;
			/** The published port changes. The load balancer learns of it last. */
			movesPort: boolean;
	  }
	/** Replaces a task that runs, as Docker says, and serves nothing. */
	| { kind: "replaceTask"; node: string; container: string; why: string }
	/** Waits until all tasks run and serve. */
	| { kind: "settle" };

/** Whether Swarm is replacing tasks. */
export const isUpdating = (status?: UpdateStatus): boolean => ["updating", "rollback_started"].includes(status?.State ?? "");

/** Whether Swarm has given up replacing tasks. */
export const isStopped = (status?: UpdateStatus): boolean => status?.State?.endsWith("paused") ?? false;

const settled: Act = { kind: "settle" };

export function plan(facts: Facts, inputs: ServiceInputs, request: Request = plainRequest): Act[] {
	const { service } = facts;
	const refused = facts.volumes.filter(({ isOwn }) => !isOwn).map(({ description }) => refusedVolume(inputs.name, description));
	const volumes = facts.volumes.map(({ node, description }): Act => ({ kind: "remakeVolume", node: node.name, volume: description }));
	const isStranger = service && service.Spec.Labels?.[ownerLabel] !== inputs.owner;
	const acts = !service
		? [{ kind: "create" } as const, settled]
		: isStranger || request.keepsTasks
			? [...adoptionPlan(service, facts.tasks, inputs, request), ...(isStranger ? [] : replacements(facts, inputs, request)), settled]
			: ownPlan(service, facts, inputs, request);
	const refusals = [...acts.filter(({ kind }) => kind === "refuse"), ...refused, ...refusedPort(facts, inputs)];
	// Volumes first: with a wrong one a task may not even start.
	return refusals.length > 0 ? refusals : [...volumes, ...acts];
}

const refusedVolume = (service: string, description: string): Act => ({
	kind: "refuse",
	why: `services.${service}.mount.name: ${description} and was made by other means: remove it there, or choose another name`,
});

function refusedPort({ portHolder: holder }: Facts, { name, publish }: ServiceInputs): Act[] {
	if (!holder) return [];
	const why = `services.${name}.publish.published = ${publish.published}: service ${holder} has this port until the end of this up: choose another, or give it up there first, by an up of its own`;
	return [{ kind: "refuse", why }];
}

function ownPlan(service: Found, facts: Facts, inputs: ServiceInputs, request: Request): Act[] {
	const { Spec: found, UpdateStatus: status } = service;
	const refused = keepsNoOrder(found, inputs);
	if (refused.length > 0) return refused.map((why): Act => ({ kind: "refuse", why }));
	const differing = differences(found, serviceSpec(inputs, found.Mode));
	const replaces = differing.some(replacesTasks);
	const though = reasonToWrite(status, inputs, request);
	const isUnannounced = found.TaskTemplate.ContainerSpec.StopSignal !== announcement;
	const writes: Act[] =
		differing.length > 0 || though
			? [
					{
						kind: "writeSpec",
						replaces: replaces || though === "stopped" || though === "lost",
						...(differing.length === 0 && { though }),
						closesByHand: isLossless(inputs) && replaces && isUnannounced,
						movesPort: differing.includes("EndpointSpec.Ports") && publishedOf(found) !== inputs.publish.published,
					},
				]
			: [];
	// Swarm will replace all tasks, or is already doing so.
	const isAtIt = replaces || isUpdating(status) || though === "stopped" || though === "lost";
	return [...writes, ...(isAtIt ? [] : replacements(facts, inputs, request)), settled];
}

function reasonToWrite(status: UpdateStatus | undefined, { registryAuth }: ServiceInputs, { lost, hasNewLogin }: Request) {
	if (isStopped(status)) return "stopped";
	if (lost.length > 0 && isUpdating(status)) return "lost";
	return hasNewLogin && registryAuth ? "login" : undefined;
}

const publishedOf = ({ EndpointSpec }: ServiceSpec) => EndpointSpec?.Ports?.[0]?.PublishedPort;

function replacements({ tasks, checks }: Facts, inputs: ServiceInputs, { replaced }: Request): Act[] {
	return silentTasks(tasks, checks, inputs)
		.filter(({ check, container }) => mayReplace(check) && container !== "" && !replaced.includes(check.node))
		.map(({ check, container }) => ({ kind: "replaceTask", node: check.node, container, why: whySilent(check) }));
}

/**
 * The nodes whose task runs, as Docker says, but that refuse the load balancer although no agent holds them: a task without its published port. With
 * the routing mesh there are none, as every node answers for all.
 */
export function silentTasks(
	tasks: Task[],
	checks: NodeCheck[],
	{ nodes, publish }: ServiceInputs,
): { check: NodeCheck; container: string }[] {
	if (publish.mode !== "host") return [];
	return nodes.flatMap(({ name, nodeId }) => {
		const task = tasks.find((candidate) => candidate.NodeID === nodeId && isRunning(candidate));
		const check = checks.find(({ node }) => node === name);
		if (!task || !check || check.serves || !check.isRefused || isHeld(check)) return [];
		return [{ check, container: task.Status.ContainerStatus?.ContainerID ?? "" }];
	});
}

/** The nodes whose task runs, but whose agent has kept it out for longer than admission may take, while no update is under way. */
export function shutNodes({ UpdateStatus: status }: Found, tasks: Task[], checks: NodeCheck[], inputs: ServiceInputs): NodeCheck[] {
	if (isUpdating(status)) return [];
	const runs = (nodeId: string) => tasks.some((task) => task.NodeID === nodeId && isRunning(task));
	return checks.filter((check) => isKeptOut(check, inputs.nodes, runs) && (check.agent?.seconds ?? 0) > admissionSeconds(inputs));
}

/** Only if the task certainly serves nobody: an agent that does not answer may have closed the node. */
const mayReplace = ({ isUnpublished, agent }: NodeCheck) => isUnpublished || agent?.state === "serving";
