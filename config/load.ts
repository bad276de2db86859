import * as pulumi from "@pulumi/pulumi";
import { parseTopology } from "./parse.ts";
import { type Named, readNamed } from "./read.ts";
import { lints } from "./rules/lints.ts";
import { type Topology, topologySchema } from "./schema.ts";
import { warn } from "./warn.ts";

/** The configuration of a stack. */
export interface Configuration {
	topology: Topology;
	/** The content of the files and variables that it names. */
	named: Named;
}

/**
 * Reads and validates the stack's configuration, with the keys, certificates and variables that it names. @throws ConfigError with every fault, before any
 * resource exists.
 */
export function loadConfiguration(config = new pulumi.Config()): Configuration {
	let read: ReturnType<typeof readNamed> | undefined;
	// The last call is for the topology that is returned.
	const readFaults = (topology: Topology) => {
		read = readNamed(topology);
		return read.faults;
	};
	const topology = parseTopology({ ...unknownKeys(config), ...knownValues(config) }, [readFaults]);
	const { named, lints: ofNamed } = read as ReturnType<typeof readNamed>;
	for (const lint of [...lints(topology), ...ofNamed]) warn(lint);
	return { topology, named };
}

function knownValues(config: pulumi.Config): Record<string, unknown> {
	const values: Record<string, unknown> = {};
	for (const key of Object.keys(topologySchema.shape)) {
		// A structured value may contain secrets; readNamed marks those as secret again.
		const text = config.get(key);
		if (text !== undefined) values[key] = structured(text);
	}
	return values;
}

/** Structured config arrives as JSON, a plain value as plain text. */
function structured(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/** Keys of this project that the schema does not have: typing errors. The engine passes all config to the program. */
function unknownKeys(config: pulumi.Config): Record<string, unknown> {
	const prefix = `${config.name}:`;
	const all = Object.keys(pulumi.runtime.allConfig());
	return Object.fromEntries(
		all
			.filter((key) => key.startsWith(prefix) && !(key.slice(prefix.length) in topologySchema.shape))
			.map((key) => [key.slice(prefix.length), null]),
	);
}
