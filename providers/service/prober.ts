import * as http from "node:http";
import * as https from "node:https";
import type { ProbeResult, Rollout } from "./resource.ts";

/** Asks the service through the load balancer, at a steady rate, for as long as a rollout takes. */
export class Prober {
	readonly #latencies: number[] = [];
	readonly #pending = new Set<Promise<void>>();
	readonly #url: URL;
	#failed = 0;
	#lastSuccess = performance.now();
	#longestGap = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(endpoint: string, { path, ratePerSecond }: Rollout["prober"]) {
		this.#url = new URL(path, endpoint);
		if (ratePerSecond > 0) this.#timer = setInterval(() => this.#ask(), 1000 / ratePerSecond);
	}

	/** Sends no more requests, and waits for those under way. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		await Promise.all(this.#pending);
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
		const asked = statusOf(this.#url)
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

/**
 * HTTP status of a whole answer. The certificate is not verified: the question is whether answers come, nothing secret is sent and nothing of
 * them is used; and a self-signed one, or one for a name while the endpoint is an address, is no failed request.
 */
function statusOf(url: URL): Promise<number> {
	const client = url.protocol === "https:" ? https : http;
	return new Promise((resolve, reject) => {
		const options = { rejectUnauthorized: false, signal: AbortSignal.timeout(30_000) };
		const request = client.get(url, options, (response) => {
			response.resume();
			response.once("end", () => resolve(response.statusCode ?? 0));
			response.once("error", reject);
		});
		request.once("error", reject);
	});
}

/** `sorted` ascending; 0 when empty. */
export function percentile(sorted: number[], share: number): number {
	return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** In a line; empty while the prober is off. */
export function describeProbe(result: ProbeResult | undefined): string {
	if (!result) return "";
	const { total, failed, p50, p99, longestGap } = result;
	return `prober: ${failed} of ${total} requests failed, p50 ${p50} ms, p99 ${p99} ms, longest gap ${longestGap} ms`;
}
