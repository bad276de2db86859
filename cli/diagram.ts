import * as path from "node:path";
import { parseArgs } from "node:util";
import { parseTopology } from "../config/parse.ts";
import { type HostConfig, hostsWith, type Topology } from "../config/schema.ts";
import { readStackFile } from "../config/stackFile.ts";
import { ConfigError } from "../lib/fault.ts";

/*
 * A picture of a stack's topology, from its configuration:
 *
 *   npm run diagram -- --stack prod      prints it as Mermaid text
 */

/** The topology as a Mermaid flowchart: who asks whom, and over what. Pure. */
export function topologyDiagram(topology: Topology): string {
	const { hosts, nginx, service, image, registry } = topology;
	// Names of hosts may be Mermaid's own words: nodes are known by number, and named in their labels.
	const id = (host: HostConfig) => `host${hosts.indexOf(host)}`;
	const ids = (of: HostConfig[]) => of.map(id).join(" & ");
	const apps = hostsWith(topology, "app");
	const serving = service.publish.mode === "host" ? apps.slice(0, service.replicas) : apps;
	const members = hosts.filter(({ roles }) => roles.includes("manager") || roles.includes("worker"));
	const [balancer, log, store] = (["nginx", "log", "registry"] as const).map((role) => hostsWith(topology, role)[0]);
	const box = (host: HostConfig) => `${id(host)}[${quoted([host.name, host.address, ...partsOf(host, topology, serving.includes(host))])}]`;
	const reference = `${image.name}:${image.tag}`;
	const { mount, publish } = service;
	return [
		"flowchart LR",
		`  clients([clients]) -->|${quoted([`:${nginx.listen}`])}| ${balancer && id(balancer)}`,
		`  subgraph swarm [${quoted([`swarm: ${service.name}, ${service.replicas} tasks`])}]`,
		...members.map((host) => `    ${box(host)}`),
		"  end",
		...hosts.filter((host) => !members.includes(host)).map((host) => `  ${box(host)}`),
		`  ${balancer && id(balancer)} -->|${quoted([`:${publish.published}`])}| ${ids(serving)}`,
		...(mount.type === "volume" && log ? [`  ${ids(serving)} -->|${quoted([`${mount.target} over NFS`])}| ${id(log)}`] : []),
		...(store
			? [`  ${id(store)} -.->|${quoted([reference])}| ${ids(serving)}`]
			: [`  registry[(${quoted([registry.server ?? "docker.io", reference])})] -.-> ${ids(serving)}`]),
		"",
	].join("\n");
}

/** What runs on a host, in a line each. */
function partsOf({ roles }: HostConfig, { nginx, service, logs }: Topology, isServing: boolean): string[] {
	const bound = service.mount.type === "bind" ? `, logs in ${service.mount.source}` : "";
	return [
		roles.includes("manager") ? "manager" : roles.includes("worker") ? "worker" : "",
		isServing ? `${service.name}${bound}` : "",
		roles.includes("nginx") ? `NGINX, ${nginx.method}` : "",
		roles.includes("log") ? `NFS ${logs.path}` : "",
		roles.includes("registry") ? "registry" : "",
	].filter(Boolean);
}

/** A label of several lines. Quotes keep everything in it text. */
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
