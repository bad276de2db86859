import * as pulumi from "@pulumi/pulumi";
import { ProgramError } from "../lib/programError.ts";
import type { ProbeResult } from "../providers/service/resource.ts";

/** What a stack of this program exports. The names are stable: another stack reads them by `requireOutput`. */
export interface ScaleoutOutputs {
	/** URL under which NGINX serves the application. */
	endpoint: string;
	/** Private IPv4 address of each host, by its name. */
	nodes: Record<string, string>;
	/** ID of the swarm. */
	swarmId: string;
	/** Name of the service in the swarm. */
	serviceName: string;
	/** The image that runs, by digest. */
	imageDigest: string;
	/** What the prober saw during the last rollout; null while it is off. */
	lastRollout: ProbeResult | null;
	/** The export that collects the logs: server address and path. */
	nfs: { server: string; path: string };
	/** Where the collected logs lie: host name and directory. */
	logLocation: { host: string; directory: string };
}

/** The outputs that every deployed stack has. */
export type RequiredOutput = Exclude<keyof ScaleoutOutputs, "lastRollout">;

/**
 * An output of a swarm-scaleout stack, with its type.
 *
 * @throws ProgramError (as the program's failure) when the stack has no such output: it names stack and output, and what to do.
 */
export function requireOutput<K extends RequiredOutput>(stack: pulumi.StackReference, name: K): pulumi.Output<ScaleoutOutputs[K]> {
	return pulumi.all([stack.getOutput(name), stack.name, stack.outputs]).apply(([value, stackName, outputs]) => {
		if (value !== undefined && value !== null) return value as ScaleoutOutputs[K];
		const present = Object.keys(outputs).sort().join(", ");
		const remedy = present
			? `it has ${present}. Is it a stack of swarm-scaleout, and of a version that exports ${name}? Then run "pulumi up" on it`
			: 'it has no outputs at all. Run "pulumi up" on it first, or correct the name';
		throw new ProgramError(`stack ${stackName} has no output "${name}": ${remedy}`);
	});
}
