import { Client } from "../../lib/client.ts";
import type { ProbeResult, Rollout, ServiceInputs } from "./resource.ts";

/** Seconds that an answer may take. */
const limitSeconds = 30;

/**
 * Sends requests to the service through the load balancer, at a steady rate, during a rollout. It counts what clients would have lost: a request has
 * failed if no complete answer came within 30 s, or its status is 5xx. Any other answer is the application's own, even a redirect, which is not followed.
 */
export class Prober {
	readonly #latencies: number[] = [];
	readonly #pending = new Set<Promise<void>>();
	readonly #url: URL;
	readonly #serverName: string | undefined;
	/** The certificate is not verified: only answers count, and a self-signed certificate is no failed request. */
	readonly #client = new Client({ isVerified: false, keepsConnections: true });
	#failed = 0;
	#lastSuccess = performance.now();
	#longestGap = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor({ endpoint, serverName }: Pick<ServiceInputs, "endpoint" | "serverName">, { path, ratePerSecond }: Rollout["prober"]) {
		this.#url = new URL(path, endpoint);
		this.#serverName = serverName;
		if (ratePerSecond > 0) this.#timer = setInterval(() => this.#ask(), 1000 / ratePerSecond);
	}

	/** Sends no more requests, and waits for those in flight. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		await Promise.all(this.#pending);
		this.#client.close();
		// An outage that lasts to the end counts as well.
		this.#longestGap = Math.max(this.#longestGap, performance.now() - this.#lastSuccess);
	}

	/** Undefined when the prober is off. */
	result(): ProbeResult | undefined {
		if (!this.#timer) return undefined;
		const sorted = this.#latencies.toSorted((a, b) => a - b);
		const total = sorted.length + this.#failed;
		return {
			total,
			failed: this.#failed,
			p50: percentile(sorted, 0.5),
			p99: percentile(sorted, 0.99),
			longestGap: Math.round(this.#longestGap),
		};
	}

	#ask(): void {
		const started = performance.now();
		const asked = this.#client
			.status(this.#url, limitSeconds, this.#serverName)
			.then((status) => {
				if (status >= 500) throw new Error(`${status}`);
				const now = performance.now();
				this.#latencies.push(now - started);
				this.#longestGap = Math.max(this.#longestGap, now - this.#lastSuccess);
				this.#lastSuccess = now;
			})
			.catch(() => {
				this.#failed++;
			})
			.finally(() => this.#pending.delete(asked));
		this.#pending.add(asked);
	}
}

/** `sorted` ascending; 0 when empty. */
export function percentile(sorted: number[], share: number): number {
	return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** As one line; empty while the prober is off. */
export function describeProbe(result: ProbeResult | undefined): string {
	if (!result) return "";
	const { total, failed, p50, p99, longestGap } = result;
	return `prober: ${failed} of ${total} requests failed, p50 ${p50} ms, p99 ${p99} ms, longest gap ${longestGap} ms`;
}
