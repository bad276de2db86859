import { parseArgs } from "node:util";
import { deployedResources } from "../lib/deployment.ts";
import { printable } from "../lib/printable.ts";
import { closeConnections } from "../lib/ssh.ts";
import { assess, describeRollout } from "./assess.ts";
import { balancer } from "./balancer.ts";
import { type Deployed, deployedOf } from "./deployed.ts";
import { type Observed, observe } from "./observe.ts";
import { describeServing } from "./serving.ts";

/*
 * Prints the live state of everything that a stack has created:
 *
 *   npm run status -- --stack prod [--json]
 *
 * Exit status: 0 when all is well, 1 when something is wrong, 2 when that cannot be determined. Changes nothing.
 */

try {
	const { values } = parseArgs({ options: { stack: { type: "string" }, json: { type: "boolean", default: false } } });
	if (!values.stack) throw new Error("name the stack: --stack prod");
	const deployed = deployedOf(deployedResources(values.stack));
	const observed = await observe(deployed);
	const problems = assess(deployed, observed);
	process.stdout.write(
		values.json
			? `${JSON.stringify({ healthy: problems.length === 0, problems, ...observed, lastRollouts: lastRollouts(deployed) }, undefined, 2)}\n`
			: printable(describe(deployed, observed, problems)),
	);
	process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 2;
} finally {
	await closeConnections();
}

function describe(deployed: Deployed, observed: Observed, problems: string[]): string {
	const { nodes = [], balancer: front, log } = observed;
	const section = (title: string, rows: string[][]) => (rows.length > 0 ? [`${title}`, ...table(rows), ""] : []);
	const lines = [
		...section(
			"Nodes",
			nodes.map(({ name, role, state, availability, manager, docker }) => [name, role, state, availability, manager, `Docker ${docker}`]),
		),
		...deployed.services.flatMap((service) => {
			const { name, replicas } = service;
			const found = observed.services?.[name];
			return [
				...section(
					`Service ${name}${found ? `, ${describeRollout(replicas, found).words}` : ""}`,
					(found?.tasks ?? []).map(({ node, state, image, error }) => [node, state, image, error]),
				),
				...section(
					`Serving ${name}`,
					service.nodes.flatMap(({ name: host }) => {
						const { serving } = observed.apps[host]?.[name] ?? {};
						return serving ? [[host, describeServing(service, serving)]] : [];
					}),
				),
			];
		}),
		...section(balancer.name, front ? [[front.isActive ? "active" : "stopped", front.version, front.servers.join(" ")]] : []),
		...section(
			"Logs",
			log ? [[log.isActive ? "active" : "stopped", deployed.exportPath, `${log.usedPercent} % used`, log.exports.join(" ")]] : [],
		),
		...section("Endpoint", Object.entries(observed.endpoints)),
		...(problems.length === 0 ? ["All is well."] : ["Problems", ...problems.map((problem) => `  - ${problem}`)]),
	];
	return `${lines.join("\n")}\n`;
}

/** What the probers saw, by service; null without a prober. */
function lastRollouts({ services }: Deployed): Record<string, object | null> {
	return Object.fromEntries(services.map(({ name, lastRollout }) => [name, lastRollout ?? null]));
}

/** Columns as wide as their widest cell. */
function table(rows: string[][]): string[] {
	const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}
