import { parseArgs } from "node:util";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { systemClock } from "../../lib/wait.ts";
import { bringUp, labStack, takeDown } from "../support/lab.ts";
import { figures, Load, runTwice, throughput } from "./load.ts";
import { median, succeeded } from "./measure.ts";

/*
 * Bare `docker service update` against this project's rollout, side by side on the lab, under the same load: clients with and without
 * keep-alive, half of the requests POST with a body, up to two seconds long; an application that stops gracefully and one that dies at once.
 * Bare is the same service as it is made by hand: stopped as Swarm does it, with wget as its health check, at the same interval; "bare, our check"
 * has the health check of this project, which tells Swarm sooner. The rollout is measured with connections between NGINX and the nodes
 * that are kept, and with a new one for each request.
 *
 * Then the throughput: short requests a second when all clients ask without a pause, kept beside not kept, in turn in one run.
 *
 *   npm run bench:rollout -- [--clients 16] [--steady 40] [--max-delay 2000] [--cells immediate/keep-alive,…] [--ways bare,bare-ours,kept,not-kept]
 *                            [--throughput-clients 32] [--throughput-seconds 20] [--rounds 3] [--keep]
 *
 * `--cells ""` and `--rounds 0` leave one of the two out.
 */

const { values: options } = parseArgs({
	options: {
		clients: { type: "string", default: "16" },
		steady: { type: "string", default: "40" },
		"max-delay": { type: "string", default: "2000" },
		cells: { type: "string", default: "immediate/keep-alive,immediate/no-keep-alive,graceful/keep-alive,graceful/no-keep-alive" },
		ways: { type: "string", default: "bare,kept,not-kept" },
		"throughput-clients": { type: "string", default: "32" },
		"throughput-seconds": { type: "string", default: "20" },
		rounds: { type: "string", default: "3" },
		keep: { type: "boolean", default: false },
	},
});

/** How tasks are replaced, and whether connections between NGINX and the nodes are kept. */
const ways = {
	bare: { name: "bare", strategy: "swarm", nginx: {} },
	"bare-ours": { name: "bare, our check", strategy: "swarm", nginx: {} },
	kept: { name: "ours, kept", strategy: "lossless", nginx: {} },
	"not-kept": { name: "ours, not kept", strategy: "lossless", nginx: { keepalive: 0 } },
} as const;
type Way = keyof typeof ways;

interface Row {
	cell: string;
	total: number;
	failed: number;
	twice: number;
	steadyP50: number;
	steadyP99: number;
	p50: number;
	p99: number;
	seconds: number;
	problems: string[];
}

const cells = options.cells
	.split(",")
	.filter(Boolean)
	.map((cell) => ({ cell, shutdown: cell.split("/")[0] ?? "", keepAlive: cell.endsWith("/keep-alive") }));
const wanted = options.ways.split(",").map((way) => {
	if (!Object.hasOwn(ways, way)) throw new Error(`--ways ${way}: use ${Object.keys(ways).join(", ")}`);
	return way as Way;
});

const lab = await bringUp();
const manager = lab.connections.manager as Connection;
const stack = labStack();
const { service } = stack;
const nginx = stack.config["swarm-scaleout:nginx"] as object;
let generation = 0;
const rows = new Map<Way, Row[]>();
if (cells.length > 0) for (const way of wanted) rows.set(way, await rollouts(way));
const rates = Number(options.rounds) > 0 ? await throughputs() : undefined;
summary();
if (rates) reportThroughput(rates);
await closeConnections();
if (!options.keep) await takeDown();

function nextVersion(): string {
	return `v${++generation}`;
}

function use(way: Way): void {
	service.rollout = { strategy: ways[way].strategy };
	stack.config["swarm-scaleout:nginx"] = { ...nginx, ...ways[way].nginx };
}

/** Every cell of a way. */
async function rollouts(way: Way): Promise<Row[]> {
	use(way);
	service.env.SHUTDOWN = cells[0]?.shutdown ?? "";
	service.env.WAS_VERSION = nextVersion();
	await succeeded(stack.up());
	if (way === "bare") await checkPlainly();
	const loads: Load[] = [];
	const rows: Row[] = [];
	for (const [i, { cell, shutdown, keepAlive }] of cells.entries()) {
		// The tasks that are replaced are of this cell; the new ones already of the next.
		const update = ways[way].strategy === "swarm" ? bareUpdate : ourUpdate;
		const { load, row } = await measure(`${ways[way].name} ${cell}`, keepAlive, () => update(cells[i + 1]?.shutdown ?? shutdown));
		loads.push(load);
		rows.push(row);
		report(row);
	}
	await countTwice(rows, loads);
	return rows;
}

/** The health check that Docker's documentation would have one write. */
async function checkPlainly(): Promise<void> {
	const { intervalSeconds, timeoutSeconds, retries } = service.health;
	const times = `--health-interval ${intervalSeconds}s --health-timeout ${timeoutSeconds}s --health-retries ${retries}`;
	const command = "wget -q -O /dev/null http://127.0.0.1:8080/health";
	await execAsRoot(manager, `docker service update -q --health-cmd '${command}' ${times} babble-was`, { deadlineSeconds: 900 });
}

async function bareUpdate(shutdown: string): Promise<void> {
	const env = `--env-add WAS_VERSION=${nextVersion()} --env-add SHUTDOWN=${shutdown}`;
	await execAsRoot(manager, `docker service update -q ${env} babble-was`, { deadlineSeconds: 900 });
}

async function ourUpdate(shutdown: string): Promise<void> {
	service.env.WAS_VERSION = nextVersion();
	service.env.SHUTDOWN = shutdown;
	await succeeded(stack.up());
}

async function measure(cell: string, keepAlive: boolean, update: () => Promise<void>): Promise<{ load: Load; row: Row }> {
	const load = new Load({ url: lab.endpoint, clients: Number(options.clients), keepAlive, maxDelayMs: Number(options["max-delay"]) });
	await seconds(Number(options.steady));
	const from = load.now();
	await update();
	const to = load.now();
	await load.stop();
	// The first quarter warms up.
	const steady = figures(load.samples, Number(options.steady) * 250, from);
	const during = figures(load.samples, from, to);
	const { total, failed, p50, p99, problems } = during;
	const row = {
		cell,
		total,
		failed,
		twice: 0,
		steadyP50: steady.p50,
		steadyP99: steady.p99,
		p50,
		p99,
		seconds: (to - from) / 1000,
		problems,
	};
	return { load, row };
}

/** Looks the requests up in the application's log. NFS clients write back within half a minute. */
async function countTwice(rows: Row[], loads: Load[]): Promise<void> {
	await seconds(35);
	const log = await execAsRoot(lab.connections.log as Connection, "cat /mnt/main-was-logs/*.log", { deadlineSeconds: 120 });
	for (const [i, row] of rows.entries()) row.twice = runTwice(loads[i]?.samples ?? [], log);
}

interface Rates {
	perSecond: number[];
	p50: number[];
	failed: number;
}

/** In turn, so that whatever else this machine does meanwhile meets both. */
async function throughputs(): Promise<Record<"kept" | "not-kept", Rates>> {
	const found = { kept: { perSecond: [], p50: [], failed: 0 }, "not-kept": { perSecond: [], p50: [], failed: 0 } } as Record<
		"kept" | "not-kept",
		Rates
	>;
	for (let round = 0; round < Number(options.rounds); round++) {
		for (const way of ["kept", "not-kept"] as const) {
			use(way);
			await succeeded(stack.up());
			const load = new Load({ url: lab.endpoint, clients: Number(options["throughput-clients"]), keepAlive: true, maxDelayMs: 0 });
			// The first five seconds warm up.
			await seconds(5);
			const from = load.now();
			await seconds(Number(options["throughput-seconds"]));
			const { perSecond, p50, failed } = throughput(load.samples, from, load.now());
			await load.stop();
			found[way].perSecond.push(perSecond);
			found[way].p50.push(p50);
			found[way].failed += failed;
			process.stdout.write(`${way.padEnd(32)} ${perSecond.toFixed(0)} short requests/s, p50 ${p50.toFixed(0)} ms, ${failed} failed\n`);
		}
	}
	return found;
}

function report(row: Row): void {
	process.stdout.write(
		`${row.cell.padEnd(38)} ${row.failed}/${row.total} failed, ${row.twice} run twice, p50 ${row.steadyP50} -> ${row.p50} ms, p99 ${row.steadyP99} -> ${row.p99} ms (x${(row.p99 / row.steadyP99).toFixed(2)}), ${row.seconds.toFixed(0)} s ${row.problems.join("; ")}\n`,
	);
}

function summary(): void {
	if (cells.length === 0) return;
	process.stdout.write("\nwith what ran twice:\n");
	for (const i of cells.keys()) {
		const bare = rows.get("bare")?.[i];
		for (const way of wanted) {
			const row = rows.get(way)?.[i];
			if (!row) continue;
			report(row);
			if (bare && ways[way].strategy === "lossless")
				process.stdout.write(`${row.cell.padEnd(38)} wall time x${(row.seconds / bare.seconds).toFixed(2)} of bare\n`);
		}
	}
}

function reportThroughput({ kept, "not-kept": notKept }: Record<"kept" | "not-kept", Rates>): void {
	const ratio = (name: "perSecond" | "p50") => (median(kept[name]) / median(notKept[name])).toFixed(2);
	const line = (name: string, { perSecond, p50, failed }: Rates) =>
		`${name.padEnd(10)} ${median(perSecond).toFixed(0).padStart(6)} requests/s (${perSecond.map((rate) => rate.toFixed(0)).join(", ")}), p50 ${median(p50).toFixed(0)} ms, ${failed} failed\n`;
	process.stdout.write(
		`\nshort requests of ${options["throughput-clients"]} clients without a pause, median of ${options.rounds} rounds in turn:\n${line("kept", kept)}${line("not kept", notKept)}kept beside not kept: x${ratio("perSecond")} requests/s, x${ratio("p50")} p50\n`,
	);
}

function seconds(count: number): Promise<void> {
	return systemClock.sleep(count * 1000);
}
