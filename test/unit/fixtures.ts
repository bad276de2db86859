import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { Configuration } from "../../config/load.ts";
import { parseTopology } from "../../config/parse.ts";
import { readNamed } from "../../config/read.ts";
import { type ServiceConfig, servicesOf, type Topology } from "../../config/schema.ts";
import type { Connection } from "../../lib/connection.ts";
import { ConfigError, type Fault } from "../../lib/fault.ts";

export const projectDirectory = path.resolve(import.meta.dirname, "..", "..");

// biome-ignore lint/suspicious/noExplicitAny: configuration before it is checked
export type Raw = Record<string, any>;

/** The lab stack's own configuration, by key without the project's name. A copy each time. */
export function labConfig(): Raw {
	return configOf("lab");
}

/** The prod stack's, on EC2. */
export function prodConfig(): Raw {
	return configOf("prod");
}

function configOf(stack: string): Raw {
	const { config } = parse(fs.readFileSync(path.join(projectDirectory, `Pulumi.${stack}.yaml`), "utf8")) as { config: Raw };
	return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("swarm-scaleout:", ""), value]));
}

/** The section of the only service. */
export const was = (config: Raw): Raw => config.services["babble-was"];

/** The only service of a topology. */
export function serviceIn(topology: Topology): ServiceConfig {
	return servicesOf(topology)[0] as ServiceConfig;
}

/** The lab's topology with some sections changed. */
export function topology(change: (config: Raw) => void = () => {}): Topology {
	const config = labConfig();
	change(config);
	return parseTopology(config);
}

/** A topology with what it names here, but for the services' secrets. @throws ConfigError */
export function configuration(topology: Topology): Configuration {
	const services = Object.fromEntries(
		Object.entries(topology.services).map(([name, service]) => [name, { ...service, secrets: {}, secretEnv: {} }]),
	);
	const { named, faults } = readNamed({ ...topology, services });
	if (faults.length > 0) throw new ConfigError(faults);
	return { topology, named };
}

/** What is wrong with a configuration. */
export function faultsOf(config: Raw): Fault[] {
	try {
		parseTopology(config);
	} catch (error) {
		if (error instanceof ConfigError) return error.faults;
		throw error;
	}
	return [];
}

/** The prod stack's topology with some sections changed. */
export function prodTopology(change: (config: Raw) => void = () => {}): Topology {
	const config = prodConfig();
	change(config);
	return parseTopology(config);
}

/** A host key as in an inventory. */
export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleWtleWtleWtleWtleWtleWtleWtleWtleWtleWtl";

export function connection(change: Partial<Connection> = {}): Connection {
	return { host: "192.168.2.137", port: 22, user: "root", privateKey: "planted-private-key", hostKey, ...change };
}

/** What bash finds wrong with a script's syntax; empty when nothing is. */
export function syntaxFault(script: string): string {
	const { status, stderr } = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
	return status === 0 && !stderr ? "" : stderr || `exit status ${status}`;
}
