import type { Progress } from "./progress.ts";
import { until } from "./wait.ts";

/**
 * Allows only one of several hosts to be absent at a time. The engine replaces what it can at the same time; nodes that serve must go one by one.
 * Several resources of a host count as one: it is back when all of them are. Lives as long as the process, which is one `up`.
 */
export class OneAtATime {
	readonly #announced = new Set<string>();
	/** The host that is away, and which of its resources are. */
	#away: { host: string; parts: Set<string> } | undefined;

	/** Says that the resource with this ID will be deleted and created again. */
	announce(id: string): void {
		this.#announced.add(id);
	}

	/** Whether the resource with this ID is to come back. */
	isAnnounced(id: string): boolean {
		return this.#announced.has(id);
	}

	/**
	 * Waits until no other host is away. A resource that was not announced goes for good and waits for nobody.
	 *
	 * @param host Stays the same when the resource comes back, as its ID may not.
	 * @param part Which of the host's resources it is.
	 * @throws DeadlineError when the other host does not come back.
	 */
	async leave(id: string, host: string, part: string, deadlineSeconds: number, progress: Progress): Promise<void> {
		if (!this.#announced.delete(id)) return;
		await until({ what: `${host} being replaced`, deadlineSeconds, progress }, async () => {
			if (this.#away && this.#away.host !== host) return { waiting: `${this.#away.host} is not back yet` };
			this.#away ??= { host, parts: new Set() };
			this.#away.parts.add(part);
			return { done: undefined };
		});
	}

	/** Whether this resource of the host is away. */
	isAway(host: string, part: string): boolean {
		return this.#away?.host === host && this.#away.parts.has(part);
	}

	/** The resource is there again, or was never away. */
	comeBack(host: string, part: string): void {
		if (this.#away?.host !== host) return;
		this.#away.parts.delete(part);
		if (this.#away.parts.size === 0) this.#away = undefined;
	}
}
