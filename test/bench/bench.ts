import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { labStack, takeDown } from "../support/lab.ts";
import type { TestStack } from "../support/stack.ts";
import { floorStack } from "./floor.ts";
import { median, succeeded } from "./measure.ts";

/*
 * Times of the lab (first up with boot and convergence, no-op up, preview, destroy) as ratios to the engine's floor: a program with as many
 * trivial resources. `npm run bench -- [ROUNDS]`; the median of the rounds counts.
 */

const rounds = Number(process.argv[2] ?? 3);

interface Times {
	/** Part of the first up: until the last machine was up. */
	boot: number;
	first: number;
	noop: number;
	preview: number;
	destroy: number;
}

await takeDown();
const lab = labStack();
await lab.init();
const ours = await measure(lab, async () => void (await succeeded(lab.previewText())));
const count = ours.resources;

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-floor-"));
const trivial = floorStack(directory, count);
await trivial.init();
const floor = await measure(trivial, async () => void (await succeeded(trivial.previewText())));
fs.rmSync(directory, { recursive: true });

process.stdout.write(`\n${count} resources, median of ${rounds}; floor: a program with as many trivial dynamic resources\n`);
process.stdout.write(`boot     ${ours.times.boot.toFixed(1).padStart(7)} s of the first up\n`);
for (const name of ["first", "noop", "preview", "destroy"] as const) {
	const [a, b] = [ours.times[name], floor.times[name]];
	process.stdout.write(`${name.padEnd(8)} ${a.toFixed(1).padStart(7)} s   floor ${b.toFixed(1).padStart(6)} s   x${(a / b).toFixed(2)}\n`);
}

async function measure(stack: TestStack, preview: () => Promise<void>): Promise<{ times: Times; resources: number }> {
	const begun = Date.now();
	const first = (await succeeded(stack.up())).seconds;
	const resources = await stack.resources();
	const machines = resources.filter(({ type }) => type.endsWith(":Machine")).map(({ created }) => Date.parse(created ?? ""));
	const boot = machines.length > 0 ? (Math.max(...machines) - begun) / 1000 : 0;
	const noops: number[] = [];
	const previews: number[] = [];
	for (let i = 0; i < rounds; i++) {
		noops.push((await succeeded(stack.up())).seconds);
		const started = performance.now();
		await preview();
		previews.push((performance.now() - started) / 1000);
	}
	const destroy = (await succeeded(stack.destroy())).seconds;
	return { times: { boot, first, noop: median(noops), preview: median(previews), destroy }, resources: resources.length };
}
