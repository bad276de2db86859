import * as path from "node:path";
import { parseArgs } from "node:util";
import { parseTopology } from "../config/parse.ts";
import { routesTo } from "../config/rules/sites.ts";
import { type HostConfig, hostsWith, type ServiceConfig, servicesOf, type Topology } from "../config/schema.ts";
import { readStackFile } from "../config/stackFile.ts";
import { ConfigError } from "../lib/fault.ts";
import { balancer as kind } from "./balancer.ts";

/*
 * A picture of a stack's topology, from its configuration:
 *
 *   npm run diagram -- --stack prod      prints it as Mermaid text
 */

/** The topology as a Mermaid flowchart: what connects to what, and how. Pure. */
export function topologyDiagram(topology: Topology): string {
	const { hosts, nginx, registry } = topology;
	const services = servicesOf(topology);
	// Host names may be reserved words of Mermaid: so nodes have numbers as IDs, and names in their labels.
	const id = (host: HostConfig) => `host${hosts.indexOf(host)}`;
	const ids = (of: HostConfig[]) => of.map(id).join(" & ");
	const apps = hostsWith(topology, "app");
	const servingOf = ({ publish, replicas }: ServiceConfig) => (publish.mode === "host" ? apps.slice(0, replicas) : apps);
	const members = hosts.filter(({ roles }) => roles.includes("manager") || roles.includes("worker"));
	const [balancer, log, store] = (["balancer", "log", "registry"] as const).map((role) => hostsWith(topology, role)[0]);
	const box = (host: HostConfig) =>
		`${id(host)}[${quoted([
			host.name,
			host.address,
			...partsOf(
				host,
				topology,
				services.filter((service) => servingOf(service).includes(host)),
			),
		])}]`;
	const arrowsOf = (service: ServiceConfig) => {
		const { name, image, mount, publish } = service;
		const serving = ids(servingOf(service));
		const reference = `${image.name}:${image.tag}`;
		// A single service needs no name in labels.
		const of = (what: string) => quoted(services.length > 1 ? [name, what] : [what]);
		return [
			...(routesTo(topology, name).length > 0 ? [`  ${balancer && id(balancer)} -->|${of(`:${publish.published}`)}| ${serving}`] : []),
			...(mount.type === "volume" && log ? [`  ${serving} -->|${of(`${mount.target} over NFS`)}| ${id(log)}`] : []),
			...(store
				? [`  ${id(store)} -.->|${quoted([reference])}| ${serving}`]
				: [`  registry[(${quoted([registry.server ?? "docker.io"])})] -.->|${quoted([reference])}| ${serving}`]),
		];
	};
	const tasks = services.map(({ name, replicas }) => `${name}, ${replicas} tasks`);
	return [
		"flowchart LR",
		`  clients([clients]) -->|${quoted([`:${nginx.listen}`])}| ${balancer && id(balancer)}`,
		`  subgraph swarm [${quoted([`swarm: ${tasks.join("; ")}`])}]`,
		...members.map((host) => `    ${box(host)}`),
		"  end",
		...hosts.filter((host) => !members.includes(host)).map((host) => `  ${box(host)}`),
		...services.flatMap(arrowsOf),
		"",
	].join("\n");
}

/** What runs on a host, one line each. */
function partsOf({ roles }: HostConfig, { nginx, logs }: Topology, services: ServiceConfig[]): string[] {
	const bound = ({ mount }: ServiceConfig) => (mount.type === "bind" ? `, logs in ${mount.source}` : "");
	return [
		roles.includes("manager") ? "manager" : roles.includes("worker") ? "worker" : "",
		...services.map((service) => `${service.name}${bound(service)}`),
		roles.includes("balancer") ? `${kind.name}, ${nginx.method}` : "",
		roles.includes("log") ? `NFS ${logs.path}` : "",
		roles.includes("registry") ? "registry" : "",
	].filter(Boolean);
}

/** A label of several lines. In quotes, everything in it is text. */
const quoted = (lines: string[]) => `"${lines.map((line) => line.replaceAll('"', "#quot;").replaceAll("<", "&lt;")).join("<br/>")}"`;

if (process.argv[1] === import.meta.filename) {
	const { values } = parseArgs({ options: { stack: { type: "string", short: "s", default: "prod" } } });
	const file = path.join(import.meta.dirname, "..", `Pulumi.${values.stack}.yaml`);
	try {
		process.stdout.write(topologyDiagram(parseTopology(readStackFile(file))));
	} catch (error) {
		if (!(error instanceof ConfigError) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		process.stderr.write(`${(error as Error).message}\n`);
		process.exitCode = 1;
	}
}
