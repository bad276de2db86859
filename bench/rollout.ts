import { parseArgs } from "node:util";
import type { Connection } from "../lib/connection.ts";
import { closeConnections, execAsRoot } from "../lib/ssh.ts";
import { bringUp, labStack, takeDown } from "../test/support/lab.ts";
import { figures, Load, runTwice } from "./load.ts";
import { succeeded } from "./measure.ts";

/*
 * Bare `docker service update` against this project's rollout, side by side on the lab, under the same load: clients with and without
 * keep-alive, half of the requests POST with a body, up to two seconds long; an application that stops gracefully and one that dies at once.
 * Bare is the same service with the same health check, stopped as Swarm does it.
 *
 *   npm run bench:rollout -- [--clients 16] [--steady 40] [--max-delay 2000] [--cells immediate/keep-alive,…] [--keep]
 */

const { values: options } = parseArgs({
	options: {
		clients: { type: "string", default: "16" },
		steady: { type: "string", default: "40" },
		"max-delay": { type: "string", default: "2000" },
		cells: { type: "string", default: "immediate/keep-alive,immediate/no-keep-alive,graceful/keep-alive,graceful/no-keep-alive" },
		keep: { type: "boolean", default: false },
	},
});

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

const lab = await bringUp();
const manager = lab.connections.manager as Connection;
const stack = labStack();
const service = stack.config["swarm-scaleout:service"] as { env: Record<string, string>; rollout?: object };
let generation = 0;

const cells = options.cells
	.split(",")
	.map((cell) => ({ cell, shutdown: cell.split("/")[0] ?? "", keepAlive: cell.endsWith("/keep-alive") }));
const rows: Record<Strategy, Row[]> = { swarm: [], lossless: [] };
for (const strategy of ["swarm", "lossless"] as const) {
	service.rollout = { strategy };
	service.env.SHUTDOWN = cells[0]?.shutdown ?? "";
	service.env.WAS_VERSION = nextVersion();
	await succeeded(stack.up());
	const loads: Load[] = [];
	for (const [i, { cell, shutdown, keepAlive }] of cells.entries()) {
		// The tasks that are replaced are of this cell; the new ones already of the next.
		const update = strategy === "swarm" ? bareUpdate : ourUpdate;
		const { load, row } = await measure(`${strategy === "swarm" ? "bare" : "ours"} ${cell}`, keepAlive, () =>
			update(cells[i + 1]?.shutdown ?? shutdown),
		);
		loads.push(load);
		rows[strategy].push(row);
		report(row);
	}
	await countTwice(rows[strategy], loads);
}
summary();
await closeConnections();
if (!options.keep) await takeDown();

type Strategy = "swarm" | "lossless";

function nextVersion(): string {
	return `v${++generation}`;
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
	await new Promise((resolve) => setTimeout(resolve, Number(options.steady) * 1000));
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
	await new Promise((resolve) => setTimeout(resolve, 35_000));
	const log = await execAsRoot(lab.connections.log as Connection, "cat /mnt/main-was-logs/*.log", { deadlineSeconds: 120 });
	for (const [i, row] of rows.entries()) row.twice = runTwice(loads[i]?.samples ?? [], log);
}

function report(row: Row): void {
	process.stdout.write(
		`${row.cell.padEnd(32)} ${row.failed}/${row.total} failed, ${row.twice} run twice, p50 ${row.steadyP50} -> ${row.p50} ms, p99 ${row.steadyP99} -> ${row.p99} ms (x${(row.p99 / row.steadyP99).toFixed(2)}), ${row.seconds.toFixed(0)} s ${row.problems.join("; ")}\n`,
	);
}

function summary(): void {
	process.stdout.write("\nwith what ran twice:\n");
	for (const [i, bare] of rows.swarm.entries()) {
		const ours = rows.lossless[i];
		report(bare);
		if (ours) report(ours);
		if (bare && ours) process.stdout.write(`${ours.cell.padEnd(32)} wall time x${(ours.seconds / bare.seconds).toFixed(2)} of bare\n`);
	}
}
