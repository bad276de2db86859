import { expect, inject } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { begun, Load, type LoadOptions, problemOf, runTwice } from "../bench/load.ts";
import { labStack } from "./lab.ts";
import type { Running, TestStack } from "./stack.ts";
import { NodeWatch, type Watched } from "./watch.ts";

/** Nodes of the lab that run the service. */
export const apps = ["manager", "worker1", "worker2"];

/** Their private addresses. */
export const addresses: Record<string, string> = { manager: "192.168.2.137", worker1: "192.168.2.142", worker2: "192.168.3.5" };

/** How a test asks while something is done, and which nodes it watches meanwhile. */
export interface UnderLoadOptions extends Partial<LoadOptions> {
	/** Private addresses of the nodes by name (default: the lab's app nodes). */
	nodes?: Record<string, string>;
	/** Ports of which one is open where a node serves (default: 8080). */
	ports?: number[];
}

/** The lab's service as a test changes it and looks at it. */
export class RolloutLab {
	readonly stack: TestStack = labStack();
	readonly endpoint = inject("lab").endpoint;
	readonly #original = structuredClone(this.stack.service);

	/** The health check of the lab's configuration. */
	get health(): Record<string, unknown> {
		return structuredClone(this.#original.health);
	}

	/** Runs a script on a host as root. */
	on(host: string, script: string, deadlineSeconds = 120): Promise<string> {
		return execAsRoot(inject("lab").connections[host] as Connection, script, { deadlineSeconds });
	}

	/** The configuration of the lab, with other environment variables and keys of the service. Its image stays what it is. */
	configure(env: Record<string, string> = {}, rest: object = {}): void {
		const { image } = this.stack.service;
		this.stack.service = { ...structuredClone(this.#original), image, ...rest, env: { ...this.#original.env, ...env } };
	}

	async converge(...args: string[]): Promise<void> {
		const { code, output } = await this.stack.up(...args);
		expect(code, output).toBe(0);
	}

	/** Begins `pulumi up` and returns once Swarm has begun to replace tasks. */
	async beginRollout(): Promise<Running> {
		const before = await this.updateStatus();
		const up = this.stack.beginUp();
		await expect.poll(() => this.updateStatus(), { timeout: 180_000, interval: 500 }).not.toBe(before);
		return up;
	}

	/**
	 * Waits for the end of an `up` whose manager, or whose host, was away meanwhile. Where it failed for that, which is said, the next one has to
	 * converge.
	 */
	async endRollout(up: Running, ...args: string[]): Promise<void> {
		const { code, output } = await up.ended;
		if (code === 0) return;
		process.stderr.write(`up failed, and is run again:\n${output}\n`);
		await this.converge(...args);
	}

	/** Ends an `up` as a machine that dies would, and frees the lock of the state. */
	async kill(up: Running): Promise<void> {
		up.kill();
		await up.ended;
		await this.stack.run("cancel", "--yes", "--stack", this.stack.name);
	}

	/** State of the service's latest update and when it began; empty when there was none. */
	updateStatus(manager = "manager"): Promise<string> {
		const format = "{{if .UpdateStatus}}{{.UpdateStatus.State}} {{.UpdateStatus.StartedAt}}{{end}}";
		return this.on(manager, `docker service inspect babble-was --format '${format}'`);
	}

	/** Begins to watch nodes, by their private addresses, as the load balancer sees them. */
	watch(nodes: Record<string, string> = addresses, ports: number[] = [8080]): NodeWatch {
		return new NodeWatch({ from: inject("lab").connections.nginx as Connection, nodes, ports });
	}

	/**
	 * Does something under load while the app nodes are watched. Fails when a request failed or was run twice, or when more than one node was closed at
	 * a time.
	 *
	 * @returns What it came to, the load, and what was seen of the nodes.
	 */
	async underLoad<Result>(
		what: (watch: NodeWatch) => Promise<Result>,
		options: UnderLoadOptions = {},
	): Promise<{ result: Result; load: Load; watched: Watched }> {
		const { nodes, ports, ...asked } = options;
		const watch = this.watch(nodes, ports);
		const load = new Load({ url: this.endpoint, clients: 4, keepAlive: true, maxDelayMs: 1000, ...asked });
		let result: Result;
		let watched: Watched;
		try {
			result = await what(watch);
		} finally {
			await load.stop();
			watched = await watch.stop();
		}
		expectNoLoss(load);
		expectOneAtATime(watched);
		await this.expectOnce(load);
		process.stderr.write(
			`0 of ${load.samples.length} requests failed, 0 run twice; closed, one at a time: ${watched.closed.join(", ") || "none"}\n`,
		);
		return { result, load, watched };
	}

	/** Fails when a request of the load was run twice. */
	async expectOnce(load: Load): Promise<void> {
		const twice = async () => {
			try {
				return runTwice(load.samples, await this.applicationLog(load.run));
			} catch (error) {
				return (error as Error).message;
			}
		};
		await expect.poll(twice, { message: "requests run twice", timeout: 90_000, interval: 5000 }).toBe(0);
	}

	/** Requests of the load that failed although the application had begun them: what was never sent is not among them. */
	async cutOff(load: Load): Promise<string[]> {
		const seen = begun(await this.applicationLog(load.run));
		return load.samples.filter(({ id, status }) => status !== 200 && seen.has(id)).map((sample) => `${sample.id}: ${problemOf(sample)}`);
	}

	/** Lines of the application's log on all nodes that hold a text. */
	async applicationLog(text: string): Promise<string> {
		// By themselves NFS clients write back within half a minute. A node that is away has written when its task ended.
		await Promise.allSettled(apps.map((app) => this.on(app, "timeout 30 sync || true")));
		return this.on("log", `cat /mnt/main-was-logs/*.log | grep -F -e '${text}' || true`);
	}

	/** What became of a version's tasks, by the application's own log: each node's events, such as `start` and `stop`, in their order. */
	async events(version: string): Promise<Record<string, string[]>> {
		return eventsOf(await this.applicationLog(` ${version} `), version);
	}

	/** Fails unless each app node answers with this version. */
	async expectVersion(version: string, nodes = apps): Promise<void> {
		const found: Record<string, string> = {};
		for (let i = 0; i < 12; i++) {
			const answer = await fetch(`${this.endpoint}/version`);
			expect(answer.status).toBe(200);
			const { host, version: answered } = (await answer.json()) as { host: string; version: string };
			found[host] = answered;
		}
		expect(found).toEqual(Object.fromEntries(nodes.map((app) => [app, version])));
	}

	/** On how many nodes a version runs and is healthy, as a manager sees it. */
	async nodesWith(version: string, manager = "manager"): Promise<number> {
		const script = `docker service ps babble-was --filter desired-state=running -q --no-trunc | xargs docker inspect --format '{{.Status.State}} {{.Spec.ContainerSpec.Env}}'`;
		return (await this.on(manager, script)).split("\n").filter((line) => line.startsWith("running") && line.includes(version)).length;
	}

	/** IDs of the tasks that are to run, a line each, in their order. */
	tasks(): Promise<string> {
		return this.on("manager", "docker service ps -q --no-trunc --filter desired-state=running babble-was | sort");
	}

	/** IDs of the tasks that run and are healthy, in their order. */
	async healthyTasks(): Promise<string[]> {
		const script = "docker service ps --no-trunc --filter desired-state=running --format '{{.ID}} {{.CurrentState}}' babble-was | sort";
		return (await this.on("manager", script)).split("\n").flatMap((line) => /^(\S+) Running/.exec(line)?.[1] ?? []);
	}

	/** Names of the app nodes in the order in which their tasks began to run. */
	async byAge(): Promise<string[]> {
		const format = "{{.Status.Timestamp.UnixNano}} {{.NodeID}}";
		const tasks = (await this.on("manager", `docker inspect --format '${format}' ${(await this.healthyTasks()).join(" ")}`))
			.trim()
			.split("\n")
			.sort();
		const names = tasks.map((line) => this.on("manager", `docker node inspect --format '{{.Description.Hostname}}' ${line.split(" ")[1]}`));
		return (await Promise.all(names)).map((name) => name.trim());
	}

	/** Restarts Docker on a host; returns at once. */
	async restartDocker(host: string): Promise<void> {
		await this.on(host, "systemd-run -q --collect --no-block systemctl restart docker");
	}

	/** ID of the service's container that runs on a node; empty when there is none. */
	async containerOn(app: string): Promise<string> {
		const filters = "--filter label=com.docker.swarm.service.name=babble-was --filter status=running";
		return (await this.on(app, `docker ps -q --no-trunc ${filters}`)).trim();
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
			// The chain exists only while the node is closed.
			const gates = () => this.on(app, "iptables-save -t filter | grep SCALEOUT-DRAIN || true");
			await expect.poll(gates, { message: `rules of ${app}`, timeout: 120_000, interval: 2000 }).toBe("");
		}
		expect(await this.on("manager", "docker node ls --format '{{.Availability}}' | sort -u")).toBe("Active\n");
	}

	/** State and service agree: nothing is to be done. */
	async expectUnchanged(...args: string[]): Promise<void> {
		const { output } = await this.stack.up(...args);
		expect(output).toMatch(/Resources:\s+\d+ unchanged\s/);
	}
}

let versions = 0;
const run = Math.random().toString(36).slice(2, 6);

/** A name for a version that no test before had, also in another run on the same lab: the application's log tells them apart by it. */
export const newVersion = (what: string) => `${what}-${run}${`${++versions}`.padStart(2, "0")}`;

/** A version's events by host, from the application's log. Pure. */
export function eventsOf(log: string, version: string): Record<string, string[]> {
	const events: Record<string, string[]> = {};
	for (const line of log.split("\n")) {
		const [, of, host = "", method, event = ""] = line.split(" ");
		if (of !== version || method !== "JVM") continue;
		events[host] ??= [];
		events[host].push(event);
	}
	return events;
}

/** Fails when several nodes were closed at the same time, and says which ones and when. */
export function expectOneAtATime(watched: Watched): void {
	expect(watched.looks, "looks at the nodes").toBeGreaterThan(10);
	expect(watched.together, "nodes that were closed at the same time, and since when").toEqual(new Map());
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
