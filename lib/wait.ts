import pRetry, { AbortError } from "p-retry";
import type { Progress } from "./progress.ts";

/** What a probe saw: the result, or what is still missing (shown to the operator). */
export type Seen<T> = { done: T } | { waiting: string };

/** The deadline passed. `lastSeen` is what was still missing. */
export class DeadlineError extends Error {
	readonly lastSeen: string;
	constructor(what: string, seconds: number, lastSeen: string) {
		super(`${what}: not done after ${seconds} s; last seen: ${lastSeen}`);
		this.name = "DeadlineError";
		this.lastSeen = lastSeen;
	}
}

export interface WaitOptions {
	/** What is waited for, as a phrase: "node worker1 joining". */
	what: string;
	/** Seconds until DeadlineError. */
	deadlineSeconds: number;
	progress: Progress;
	/** Longest pause between two looks, in milliseconds. */
	maxPauseMs?: number;
}

/**
 * Looks again and again, with growing pauses, until `probe` is done or the deadline passes. An error thrown by `probe` ends the wait
 * at once: a probe that expects passing errors turns them into `waiting`.
 */
export async function until<T>(options: WaitOptions, probe: () => Promise<Seen<T>>): Promise<T> {
	const { what, deadlineSeconds, progress, maxPauseMs = 3000 } = options;
	const started = Date.now();
	let lastSeen = "nothing yet";
	class NotYet extends Error {}
	const look = async () => {
		let seen: Seen<T>;
		try {
			seen = await probe();
		} catch (error) {
			throw new AbortError(error as Error);
		}
		if ("done" in seen) return seen.done;
		lastSeen = seen.waiting;
		const elapsed = Math.round((Date.now() - started) / 1000);
		progress(`${what}: ${lastSeen} (${elapsed} s of at most ${deadlineSeconds} s)`);
		if (Date.now() - started >= deadlineSeconds * 1000) {
			throw new AbortError(new DeadlineError(what, deadlineSeconds, lastSeen));
		}
		throw new NotYet(lastSeen);
	};
	return pRetry(look, { retries: Number.POSITIVE_INFINITY, minTimeout: 300, factor: 1.4, maxTimeout: maxPauseMs });
}

/** The promise's value, or DeadlineError when it takes longer. The work itself is not stopped: the caller closes what it used. */
export async function within<T>(what: string, seconds: number, work: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new DeadlineError(what, seconds, "no answer")), seconds * 1000);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}
