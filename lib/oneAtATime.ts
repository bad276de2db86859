import type { Progress } from "./progress.ts";
import { until } from "./wait.ts";

/**
 * Allows only one of several hosts to be absent at a time. The engine replaces as much as it can at once, but nodes that serve must be replaced one by one.
 * Several resources of a host count as one: the host is back when all of them are. An instance lasts as long as the process, which is one `up`.
 */
export class OneAtATime {
	readonly #announced = new Set<string>();
	/** The absent host, and which of its resources are absent. */
	#away: { host: string; parts: Set<string> } | undefined;

	/** Says that the resource with this ID will be deleted and created again. */
	announce(id: string): void {
		this.#announced.add(id);
	}

	/** Whether the resource with this ID will come back. */
	isAnnounced(id: string): boolean {
		return this.#announced.has(id);
	}

	/**
	 * Waits until no other host is absent. A resource that was not announced is deleted for good, and does not wait.
	 *
	 * @param host Stays the same when the resource comes back; its ID may change.
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

	/** Whether this resource of the host is absent. */
	isAway(host: string, part: string): boolean {
		return this.#away?.host === host && this.#away.parts.has(part);
	}

	/** The resource exists again, or was never absent. */
	comeBack(host: string, part: string): void {
		if (this.#away?.host !== host) return;
		this.#away.parts.delete(part);
		if (this.#away.parts.size === 0) this.#away = undefined;
	}
}
