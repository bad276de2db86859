import { expect, inject } from "vitest";
import { type Load, problemOf } from "../../bench/load.ts";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "./lab.ts";
import type { TestStack } from "./stack.ts";

/** Nodes of the lab that run the service. */
export const apps = ["manager", "worker1", "worker2"];

/** The lab's service as a test changes it and looks at it. */
export class RolloutLab {
	readonly stack: TestStack = labStack();
	readonly endpoint = inject("lab").endpoint;
	readonly #original = structuredClone(this.stack.config["swarm-scaleout:service"]) as Record<string, unknown> & {
		env: Record<string, string>;
	};

	/** Runs a script on a host as root. */
	on(host: string, script: string): Promise<string> {
		return execAsRoot(inject("lab").connections[host] as Connection, script);
	}

	/** The configuration of the lab, with other environment variables and top-level keys of the service. */
	configure(env: Record<string, string> = {}, rest: object = {}): void {
		this.stack.config["swarm-scaleout:service"] = { ...structuredClone(this.#original), ...rest, env: { ...this.#original.env, ...env } };
	}

	async converge(...args: string[]): Promise<void> {
		const { code, output } = await this.stack.up(...args);
		expect(code, output).toBe(0);
	}

	/** Fails unless each app node answers with this version. */
	async expectVersion(version: string): Promise<void> {
		const found: Record<string, string> = {};
		for (let i = 0; i < 12; i++) {
			const answer = await fetch(`${this.endpoint}/version`);
			expect(answer.status).toBe(200);
			const { host, version: answered } = (await answer.json()) as { host: string; version: string };
			found[host] = answered;
		}
		expect(found).toEqual(Object.fromEntries(apps.map((app) => [app, version])));
	}

	/** IDs of the tasks that are to run, a line each, in their order. */
	tasks(): Promise<string> {
		return this.on("manager", "docker service ps -q --no-trunc --filter desired-state=running babble-was | sort");
	}

	/** The swarm's nodes, `<name> <status>`, in the order of their names. */
	async nodes(): Promise<string[]> {
		return (await this.on("manager", "docker node ls --format '{{.Hostname}} {{.Status}}' | sort")).trim().split("\n");
	}

	/** Addresses in the upstream that NGINX has in its files, in their order. */
	async upstream(): Promise<string[]> {
		const config = await this.on("nginx", "nginx -T 2> /dev/null");
		return [...config.matchAll(/^\s*server (192\S+):8080/gm)].map(([, address]) => address as string);
	}

	/** Fails when something is left in the way of requests or of Swarm. */
	async expectNothingDrained(): Promise<void> {
		for (const app of apps) {
			await expect
				.poll(() => this.on(app, "iptables -S SCALEOUT-DRAIN-8080 | grep -c REJECT || true"), { timeout: 120_000, interval: 2000 })
				.toBe("0\n");
		}
		expect(await this.on("manager", "docker node ls --format '{{.Availability}}' | sort -u")).toBe("Active\n");
	}

	/** State and service agree: nothing is to be done. */
	async expectUnchanged(...args: string[]): Promise<void> {
		const { output } = await this.stack.up(...args);
		expect(output).toMatch(/Resources:\s+\d+ unchanged\s/);
	}
}

/** Fails when a request of the load failed, and says which way, how often and when. */
export function expectNoLoss(load: Load): void {
	expect(load.samples.length).toBeGreaterThan(20);
	const ways = new Map<string, number[]>();
	for (const sample of load.samples.filter(({ status }) => status !== 200)) {
		const way = problemOf(sample);
		const times = ways.get(way) ?? [];
		ways.set(way, times);
		times.push(sample.begun / 1000);
	}
	const said = [...ways].map(
		([way, times]) => `${times.length} x ${way}, ${times[0]?.toFixed(1)} s to ${times.at(-1)?.toFixed(1)} s after the load began`,
	);
	expect(said, `of ${load.samples.length} requests`).toEqual([]);
}
