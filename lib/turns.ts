import type { Progress } from "./progress.ts";
import { until } from "./wait.ts";

/**
 * Lets one after another of several things be away. The engine replaces what it can at the same time; nodes that serve must go one by one.
 * Lives as long as the process, which is one `up`.
 */
export class Turns {
	readonly #announced = new Set<string>();
	#away: string | undefined;

	/** Says that what has this ID will go away and come back. */
	announce(id: string): void {
		this.#announced.add(id);
	}

	/** Whether what has this ID is to come back. */
	isAnnounced(id: string): boolean {
		return this.#announced.has(id);
	}

	/**
	 * Waits until none of the others is away. What was not announced goes for good and waits for nobody.
	 *
	 * @param name Stays the same when it comes back, as the ID may not.
	 * @throws DeadlineError when the other one does not come back.
	 */
	async leave(id: string, name: string, deadlineSeconds: number, progress: Progress): Promise<void> {
		if (!this.#announced.delete(id)) return;
		await until({ what: `${name} being replaced`, deadlineSeconds, progress }, async () => {
			if (this.#away !== undefined) return { waiting: `${this.#away} is not back yet` };
			this.#away = name;
			return { done: undefined };
		});
	}

	/** Whether it is `name` that is away. */
	isAway(name: string): boolean {
		return this.#away === name;
	}

	/** `name` is there again, or was never away. */
	comeBack(name: string): void {
		if (this.#away === name) this.#away = undefined;
	}
}
