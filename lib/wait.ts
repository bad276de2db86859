import type { Progress } from "./progress.ts";

/** A source of time, which tests can replace. */
export interface Clock {
	/** Milliseconds since any fixed moment. */
	now(): number;
	sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
	now: () => Date.now(),
	sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** What a probe saw: the result, or what is still missing (shown to the operator). */
export type Seen<T> = { done: T } | { waiting: string };

/** The deadline has passed. `lastSeen` is what was still missing. */
export class DeadlineError extends Error {
	readonly lastSeen: string;
	constructor(what: string, seconds: number, lastSeen: string) {
		super(`${what}: not done after ${seconds} s; last seen: ${lastSeen}`);
		this.name = "DeadlineError";
		this.lastSeen = lastSeen;
	}
}

export interface WaitOptions {
	/** What to wait for, as a phrase: "node worker1 joining". */
	what: string;
	/** Seconds until DeadlineError. */
	deadlineSeconds: number;
	progress: Progress;
	/** Longest pause between two checks, in milliseconds. */
	maxPauseMs?: number;
	/** Default: the system's. */
	clock?: Clock;
}

/**
 * Checks repeatedly, with growing pauses, until `probe` is done or the deadline passes. An error thrown by `probe` ends the wait
 * at once: a probe that expects passing errors must turn them into `waiting`.
 */
export async function until<T>(options: WaitOptions, probe: () => Promise<Seen<T>>): Promise<T> {
	const { what, deadlineSeconds, progress, maxPauseMs = 3000, clock = systemClock } = options;
	const started = clock.now();
	for (let pause = 300; ; pause = Math.min(pause * 1.4, maxPauseMs)) {
		const seen = await probe();
		if ("done" in seen) return seen.done;
		const elapsed = Math.round((clock.now() - started) / 1000);
		progress(`${what}: ${seen.waiting} (${elapsed} s of at most ${deadlineSeconds} s)`);
		if (clock.now() - started >= deadlineSeconds * 1000) throw new DeadlineError(what, deadlineSeconds, seen.waiting);
		await clock.sleep(pause);
	}
}

/** The promise's value, or DeadlineError if it takes too long. The work itself is not stopped: the caller closes what it used. */
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
