import type Docker from "dockerode";
import { findNode, type Node, otherManagers, quorumLost, updateNode } from "../../lib/swarm.ts";
import { until } from "../../lib/wait.ts";
import type { Context } from "../define.ts";

/** A manager that is promoted gets a certificate, starts its store, and takes over the others' state. */
const promotionDeadlineSeconds = 180;
/** A leader first hands over; then the others elect a new one. */
const demotionDeadlineSeconds = 180;
/** How long a manager waits that cannot be demoted now. Meanwhile a lost one may be removed, or one that restarts be back. */
const quorumDeadlineSeconds = 45;

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs changes of the swarm's members one after another, so that each can rely on the members it has counted. Joins, too: a busy manager may issue a
 * certificate so late that the join starts again, and only without other joins is it clear which stale entry it left.
 */
export function oneAtATime<T>(step: () => Promise<T>): Promise<T> {
	const result = last.then(step);
	last = result.catch(() => {});
	return result;
}

/** Makes the node a manager, and waits until the others reach it as one. */
export async function promote(manager: Docker, id: string, { progress }: Pick<Context, "progress">): Promise<void> {
	await oneAtATime(async () => {
		await updateNode(manager, id, (spec) => ({ ...spec, Role: "manager" }));
		await until({ what: "becoming a manager", deadlineSeconds: promotionDeadlineSeconds, progress }, async () => {
			const reachability = (await findNode(manager, id))?.ManagerStatus?.Reachability ?? "none yet";
			return reachability === "reachable" ? { done: undefined } : { waiting: `as a manager it is ${reachability}` };
		});
	});
}

/** The swarm would end with this manager. */
export class OnlyManagerError extends Error {}

/** Takes the manager role from the node; false if Swarm refuses that because the node was promoted but has not become a manager yet. */
async function isDemoted(manager: Docker, id: string): Promise<boolean> {
	try {
		await updateNode(manager, id, (spec) => ({ ...spec, Role: "worker" }));
		return true;
	} catch (error) {
		if (/can't find manager in raft memberlist/.test((error as Error).message)) return false;
		throw error;
	}
}

/**
 * Makes the node a worker, and waits until it has left the managers' Raft group, and the others have a leader.
 *
 * @param manager Another manager.
 * @throws OnlyManagerError when there is no other manager; Error when the others would have no majority.
 */
export async function demote(manager: Docker, id: string, { name, progress }: Pick<Context, "name" | "progress">): Promise<void> {
	const refusal = `hosts, roles of ${name}: it cannot cease to be a manager`;
	let refused: string | undefined;
	const attempt = () =>
		oneAtATime(async () => {
			const nodes = (await manager.listNodes()) as Node[];
			const isMember = nodes.some((node) => node.ID === id && node.ManagerStatus);
			const others = otherManagers(nodes, id);
			if (isMember && others.length === 0)
				throw new OnlyManagerError(`${refusal}: the swarm would end with the only one: give another host the role manager first`);
			refused = isMember ? quorumLost(others) : undefined;
			if (refused) return { waiting: refused };
			if (!(await isDemoted(manager, id))) {
				// A node that is down will never become one; it can be removed as it is.
				const isDown = nodes.some((node) => node.ID === id && node.Status?.State === "down");
				return isDown ? { done: undefined } : { waiting: "it has been promoted, and is none yet" };
			}
			await until({ what: "leaving the managers", deadlineSeconds: demotionDeadlineSeconds, progress }, async () => {
				const status = (await findNode(manager, id))?.ManagerStatus;
				return status ? { waiting: status.Leader ? "it still leads the swarm" : "it still is one of them" } : { done: undefined };
			});
			return { done: undefined };
		});
	try {
		await until({ what: "quorum of the managers", deadlineSeconds: quorumDeadlineSeconds, progress }, attempt);
	} catch (error) {
		throw refused ? new Error(`${refusal}: ${refused}`) : error;
	}
}
