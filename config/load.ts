import * as pulumi from "@pulumi/pulumi";
import { ProgramError } from "../lib/programError.ts";
import type { Fault } from "./fault.ts";
import { parseTopology } from "./parse.ts";
import { lints } from "./rules/lints.ts";
import { type Topology, topologySchema } from "./schema.ts";
import type { SecretValue } from "./sections/values.ts";

/** Reads and validates the stack's configuration. @throws ConfigError naming every fault, before any resource exists. */
export function loadTopology(config = new pulumi.Config()): Topology {
	const topology = parseTopology({ ...unknownKeys(config), ...knownValues(config) });
	for (const lint of lints(topology)) warn(lint);
	return topology;
}

/** The plain value of a secret, marked so that the engine encrypts it. @throws ProgramError when its environment variable is not set. */
export function secretOf(value: SecretValue, property: string): pulumi.Output<string> {
	return pulumi.secret(plainSecret(value, property));
}

/** The plain value, for checks. What is made of it must be marked. @throws ProgramError when its environment variable is not set. */
export function plainSecret(value: SecretValue, property: string): string {
	if (typeof value === "string") return value;
	const found = process.env[value.fromEnvironment];
	if (!found) throw new ProgramError(`${property}: the environment variable ${value.fromEnvironment} is not set: set it where pulumi runs`);
	return found;
}

function knownValues(config: pulumi.Config): Record<string, unknown> {
	const values: Record<string, unknown> = {};
	for (const key of Object.keys(topologySchema.shape)) {
		// A structured value may hold secrets; what is secret is marked again where it is used (secretOf).
		const text = config.get(key);
		if (text !== undefined) values[key] = structured(text);
	}
	return values;
}

/** Structured config arrives as JSON, a plain value as it is. */
function structured(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/** The engine passes all config to the program; a key of this project that no schema names is a typing error. */
function unknownKeys(config: pulumi.Config): Record<string, unknown> {
	const prefix = `${config.name}:`;
	const all = Object.keys(pulumi.runtime.allConfig());
	return Object.fromEntries(
		all
			.filter((key) => key.startsWith(prefix) && !(key.slice(prefix.length) in topologySchema.shape))
			.map((key) => [key.slice(prefix.length), null]),
	);
}

/** Shows what is likely not meant. */
export function warn({ property, value, remedy }: Fault): void {
	void pulumi.log.warn(`${property}${value === undefined ? "" : ` = ${JSON.stringify(value)}`}: ${remedy}`);
}
