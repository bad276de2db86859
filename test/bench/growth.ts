import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { missingEngine } from "../../lab/engine.ts";
import type { TestStack } from "../support/stack.ts";
import { floorStack } from "./floor.ts";
import { median, succeeded, timesAsLong } from "./measure.ts";
import { noopUp, simulatedStack } from "./simulated.ts";

/*
 * How preview and no-op `up` grow with the number of hosts. It fails when one of them takes more than `limits` allow of the floor's time, which is that of
 * a program with as many trivial resources; and when there are more than four resources a host.
 *
 *   npm run bench:growth -- [--hosts 5,50,200] [--rounds 3] [--no-floor]
 *
 * Simulated are the hosts, and so the state that the first `up` would have left: the program runs against the SDK's mock runtime, which answers as
 * hosts would, and what it has registered is imported as a deployment. Real are the program, the engine with its file backend and encryption, and
 * the providers, which check and compare each resource. Neither a preview nor an `up` that finds nothing to do asks a host.
 */

const { values: options } = parseArgs({
	options: {
		hosts: { type: "string", default: "5,50,200" },
		rounds: { type: "string", default: "3" },
		"no-floor": { type: "boolean", default: false },
	},
});
/** Times of the floor, from this number of hosts on. The goal is 1.15 with 5 and 50 hosts and 1.3 with 200: what is left
 * of it are properties, on each of which SDK and engine spend time several times, where a trivial resource has one. */
const limits = new Map([
	[5, 1.2],
	[50, 1.35],
	[200, 1.65],
]);
const limitOf = (hosts: number) => [...limits].findLast(([from]) => hosts >= from)?.[1] ?? Number.POSITIVE_INFINITY;
const rounds = Number(options.rounds);
const counts = options.hosts.split(",").map(Number);
/** What the others are compared with. */
const base = counts.includes(50) ? 50 : (counts[0] as number);

const operations = ["preview from nothing", "preview, deployed", "no-op up"] as const;
type Seconds = Record<(typeof operations)[number], number>;

interface Row {
	hosts: number;
	resources: number;
	/** Size of the state in KiB. */
	state: number;
	ours: Seconds;
	floor?: Seconds;
}

const missing = missingEngine();
if (missing) throw new Error(`No Pulumi engine: ${missing}`);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-growth-"));
process.once("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));

const rows: Row[] = [];
for (const hosts of counts) rows.push(await measure(hosts, path.join(scratch, `${hosts}`)));
process.exitCode = report() ? 0 : 1;

async function measure(hosts: number, directory: string): Promise<Row> {
	fs.mkdirSync(directory);
	process.stderr.write(`${hosts} hosts …\n`);
	const stack = await simulatedStack(hosts, directory);
	const { seconds: ours, resources } = await repeat(stack);
	const state = (await stack.run("stack", "export", "--stack", stack.name)).output.length / 1024;
	if (options["no-floor"]) return { hosts, resources, state, ours };
	process.stderr.write(`as many trivial resources: ${resources} …\n`);
	const trivial = floorStack(path.join(directory, "floor"), resources);
	await trivial.init();
	await succeeded(trivial.up());
	return { hosts, resources, state, ours, floor: (await repeat(trivial)).seconds };
}

/** @param deployed The state's stack: a further one of its project and configuration is never deployed. */
async function repeat(deployed: TestStack): Promise<{ seconds: Seconds; resources: number }> {
	const fresh = await deployed.sibling("fresh");
	// The first one notes in the state what the import left out.
	const { resources } = await noopUp(deployed);
	const all: Seconds[] = [];
	for (let round = 0; round < rounds; round++) {
		all.push({
			"preview from nothing": (await succeeded(fresh.previewText())).seconds,
			"preview, deployed": (await succeeded(deployed.previewText("--expect-no-changes"))).seconds,
			"no-op up": (await noopUp(deployed)).seconds,
		});
		process.stderr.write(`${JSON.stringify(all.at(-1))}\n`);
	}
	const medians = operations.map((operation) => [operation, median(all.map((seconds) => seconds[operation]))]);
	return { seconds: Object.fromEntries(medians) as Seconds, resources };
}

/** Prints the table. @returns Whether all of it keeps the limits. */
function report(): boolean {
	const out = (line: string) => process.stdout.write(`${line}\n`);
	const cells = (...texts: string[]) => texts.map((text) => text.padStart(11)).join("");
	out(
		`\nmedian of ${rounds}; state: ${rows.map(({ hosts, state }) => `${(state / hosts).toFixed(1)} KiB a host with ${hosts}`).join(", ")}`,
	);
	const beyond: string[] = [];
	for (const operation of operations) {
		const growth = timesAsLong(new Map(rows.map(({ hosts, ours }) => [hosts, ours[operation]])), base);
		out(`\n${operation.padEnd(22)}${cells("hosts", "resources", "seconds", "s a host", `of ${base}'s`, "floor", "of floor")}`);
		for (const { hosts, resources, ours, floor } of rows) {
			const [seconds, least, times] = [ours[operation], floor?.[operation], growth.get(hosts) as number];
			const ratio = least === undefined ? 0 : seconds / least;
			if (ratio > limitOf(hosts)) beyond.push(`${operation} with ${hosts} hosts: x${ratio.toFixed(2)}, at most x${limitOf(hosts)}`);
			const ofFloor = least === undefined ? [] : [least.toFixed(1), `x${ratio.toFixed(2)}`];
			out(
				`${" ".repeat(22)}${cells(`${hosts}`, `${resources}`, seconds.toFixed(1), (seconds / hosts).toFixed(3), `x${times.toFixed(2)}`, ...ofFloor)}`,
			);
		}
	}
	const [few, many] = [rows[0], rows.at(-1)] as [Row, Row];
	const each = (many.resources - few.resources) / (many.hosts - few.hosts);
	if (each > 4) beyond.push(`${each.toFixed(2)} resources a host, at most 4`);
	out(beyond.length === 0 ? "\nall within the limits" : `\nbeyond the limits:\n  ${beyond.join("\n  ")}`);
	return beyond.length === 0;
}
