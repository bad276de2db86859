import * as http from "node:http";
import { percentile } from "../../providers/service/prober.ts";

/** One answered or failed request. Times in milliseconds since the load began. */
interface Sample {
	id: string;
	begun: number;
	took: number;
	/** HTTP status, or 0 when the connection failed. */
	status: number;
	problem?: string;
}

export interface LoadOptions {
	url: string;
	clients: number;
	/** Whether each client keeps its connection. */
	keepAlive: boolean;
	/** Longest time a request asks the application to take, in milliseconds. */
	maxDelayMs: number;
	/** What is asked for, with parameters of its own where it needs some (default `/load`). */
	path?: string;
	/** Name that is asked for, where it is not the URL's. */
	host?: string;
}

/** Half are POST. The others a proxy may take for such that can be sent again, a PUT with its body. */
const methods = ["POST", "GET", "POST", "PUT", "POST", "GET", "POST", "DELETE"];

/**
 * Clients that ask one after another, half of the requests POST with a body, for up to `maxDelayMs`. Each request carries an ID of its own, which
 * the application logs: so it can be told whether one was run twice.
 */
export class Load {
	readonly samples: Sample[] = [];
	/** What the IDs of this load's requests begin with. */
	readonly run = Math.random().toString(36).slice(2, 8).padEnd(6, "0");
	readonly #started = performance.now();
	readonly #running: Promise<void>[];
	#stopping = false;
	#count = 0;

	constructor(options: LoadOptions) {
		this.#running = Array.from({ length: options.clients }, () => this.#client(options));
	}

	/** Milliseconds since the beginning, to mark phases. */
	now(): number {
		return performance.now() - this.#started;
	}

	async stop(): Promise<void> {
		this.#stopping = true;
		await Promise.all(this.#running);
	}

	async #client({ url, keepAlive, maxDelayMs, path = "/load", host }: LoadOptions): Promise<void> {
		const options = { agent: new http.Agent({ keepAlive, maxSockets: 1 }), ...(host && { headers: { host } }) };
		while (!this.#stopping) {
			const id = `${this.run}-${this.#count++}`;
			// Spread evenly, with the long ones among them, and the same in every run.
			const delay = Math.round((((this.#count * 7919) % 101) / 100) * maxDelayMs);
			const parameters = `${path.includes("?") ? "&" : "?"}ms=${delay}&id=${id}`;
			await this.#request(options, `${url}${path}${parameters}`, id, methods[this.#count % methods.length] as string);
		}
		options.agent.destroy();
	}

	#request(options: http.RequestOptions, url: string, id: string, method: string): Promise<void> {
		const begun = this.now();
		return new Promise((resolve) => {
			const done = (status: number, problem?: string) => {
				this.samples.push({ id, begun, took: this.now() - begun, status, problem });
				resolve();
			};
			const request = http.request(url, { ...options, method, timeout: 60_000 }, (response) => {
				response.resume();
				response.once("end", () => done(response.statusCode ?? 0));
				response.once("error", (error) => done(0, error.message));
			});
			request.once("error", (error) => done(0, error.message));
			request.once("timeout", () => request.destroy(new Error("no answer within 60 s")));
			request.end(method === "POST" || method === "PUT" ? "x".repeat(2000) : undefined);
		});
	}
}

/** What went wrong with a request that failed. */
export const problemOf = ({ status, problem }: Sample) => problem ?? `HTTP ${status}`;

export interface PhaseFigures {
	total: number;
	failed: number;
	p50: number;
	p99: number;
	problems: string[];
}

/** Figures of the requests that overlapped a phase. */
export function figures(samples: Sample[], from: number, to: number): PhaseFigures {
	const inPhase = samples.filter(({ begun, took }) => begun < to && begun + took > from);
	const bad = inPhase.filter(({ status }) => status !== 200);
	const times = inPhase
		.filter(({ status }) => status === 200)
		.map(({ took }) => took)
		.sort((a, b) => a - b);
	const problems = [...new Set(bad.map(problemOf))];
	return { total: inPhase.length, failed: bad.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99), problems };
}

/** Requests a second that were answered with 200 in a phase, and the median of how long they took, in milliseconds. */
export function throughput(samples: Sample[], from: number, to: number): { perSecond: number; p50: number; failed: number } {
	const inPhase = samples.filter(({ begun, took }) => begun + took >= from && begun + took < to);
	const times = inPhase.filter(({ status }) => status === 200).map(({ took }) => took);
	const p50 = percentile(
		times.sort((a, b) => a - b),
		0.5,
	);
	return { perSecond: times.length / ((to - from) / 1000), p50, failed: inPhase.length - times.length };
}

/** How often the application began a request, by its ID and by the application's log. A request that is cut off has begun, too. */
export function begun(log: string): Map<string, number> {
	const seen = new Map<string, number>();
	for (const [, id = ""] of log.matchAll(/ ([a-z0-9]{6}-\d+) begun /g)) seen.set(id, (seen.get(id) ?? 0) + 1);
	return seen;
}

/** How many requests of the load the application began more than once, by its log. */
export function runTwice(samples: Sample[], log: string): number {
	const seen = begun(log);
	// A log that lacks what was answered proves nothing.
	const missing = samples.filter(({ id, status }) => status === 200 && !seen.has(id));
	if (missing.length > 0) throw new Error(`the application's log lacks ${missing.length} answered requests, ${missing[0]?.id} among them`);
	return samples.filter(({ id }) => (seen.get(id) ?? 0) > 1).length;
}
