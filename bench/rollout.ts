import { parseArgs } from "node:util";
import type { Connection } from "../lib/connection.ts";
import { closeConnections, execAsRoot } from "../lib/ssh.ts";
import { bringUp, labStack, takeDown } from "../test/support/lab.ts";
import { figures, Load, runTwice } from "./load.ts";

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

const rows: Row[] = [];
for (const cell of options.cells.split(",")) {
	const [shutdown = "", keepAlive = ""] = cell.split("/");
	for (const strategy of ["swarm", "lossless"]) {
		service.env.SHUTDOWN = shutdown;
		service.rollout = { strategy };
		await converge();
		const row = await measure(
			`${strategy === "swarm" ? "bare" : "ours"} ${cell}`,
			keepAlive === "keep-alive",
			strategy === "swarm" ? bareUpdate : ourUpdate,
		);
		rows.push(row);
		report(row);
	}
}
summary();
await closeConnections();
if (!options.keep) await takeDown();

async function converge(): Promise<void> {
	const { code, output } = await stack.up();
	if (code !== 0) throw new Error(output);
}

async function bareUpdate(): Promise<void> {
	await execAsRoot(manager, `docker service update -q --env-add WAS_VERSION=bare-${++generation} babble-was`, { deadlineSeconds: 900 });
}

async function ourUpdate(): Promise<void> {
	service.env.WAS_VERSION = `ours-${++generation}`;
	await converge();
}

async function measure(cell: string, keepAlive: boolean, update: () => Promise<void>): Promise<Row> {
	const load = new Load({ url: lab.endpoint, clients: Number(options.clients), keepAlive, maxDelayMs: Number(options["max-delay"]) });
	await new Promise((resolve) => setTimeout(resolve, Number(options.steady) * 1000));
	const from = load.now();
	await update();
	const to = load.now();
	await load.stop();
	// NFS clients write back within half a minute.
	await new Promise((resolve) => setTimeout(resolve, 35_000));
	const log = await execAsRoot(lab.connections.log as Connection, "cat /mnt/main-was-logs/*.log", { deadlineSeconds: 120 });
	const steady = figures(load.samples, Number(options.steady) * 250, from);
	const during = figures(load.samples, from, to);
	return {
		cell,
		total: during.total,
		failed: during.failed,
		twice: runTwice(load.samples, log),
		steadyP50: steady.p50,
		steadyP99: steady.p99,
		p50: during.p50,
		p99: during.p99,
		seconds: (to - from) / 1000,
		problems: during.problems,
	};
}

function report(row: Row): void {
	process.stdout.write(
		`${row.cell.padEnd(32)} ${row.failed}/${row.total} failed, ${row.twice} run twice, p50 ${row.steadyP50} -> ${row.p50} ms, p99 ${row.steadyP99} -> ${row.p99} ms (x${(row.p99 / row.steadyP99).toFixed(2)}), ${row.seconds.toFixed(0)} s ${row.problems.join("; ")}\n`,
	);
}

function summary(): void {
	process.stdout.write("\n");
	for (const row of rows) report(row);
	for (let i = 0; i + 1 < rows.length; i += 2) {
		const [bare, ours] = [rows[i], rows[i + 1]];
		if (bare && ours) process.stdout.write(`${ours.cell.padEnd(32)} wall time x${(ours.seconds / bare.seconds).toFixed(2)} of bare\n`);
	}
}
