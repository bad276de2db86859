import * as pulumi from "@pulumi/pulumi";
import { ProgramError } from "../lib/programError.ts";
import type { ProbeResult } from "../providers/service/resource.ts";

/** What is told of a service. */
export interface ServiceOutputs {
	/** URL that leads to it, by the first route; null where none does. */
	endpoint: string | null;
	/** The image that runs, by digest. */
	image: string;
	/** What the prober saw during the last rollout with it on; null before. */
	lastRollout: ProbeResult | null;
}

/** What a stack of this program exports. The names are stable: another stack reads them by `requireOutput`. */
export interface ScaleoutOutputs {
	/** URL under which NGINX serves its first site. */
	endpoint: string;
	/** By name. */
	services: Record<string, ServiceOutputs>;
	/** Private IPv4 address of each host, by its name. */
	nodes: Record<string, string>;
	/** ID of the swarm. */
	swarmId: string;
	/** The export that collects the logs: server address and path. */
	nfs: { server: string; path: string };
	/** Where the collected logs lie: host name and directory. */
	logLocation: { host: string; directory: string };
}

/**
 * An output of a swarm-scaleout stack, with its type.
 *
 * @throws ProgramError (as the program's failure) when the stack has no such output: it names stack and output, and what to do.
 */
export function requireOutput<K extends keyof ScaleoutOutputs>(stack: pulumi.StackReference, name: K): pulumi.Output<ScaleoutOutputs[K]> {
	return pulumi.all([stack.getOutput(name), stack.name, stack.outputs]).apply(([value, stackName, outputs]) => {
		if (value !== undefined && value !== null) return value as ScaleoutOutputs[K];
		const present = Object.keys(outputs).sort().join(", ");
		const remedy = present
			? `it has ${present}. Is it a stack of swarm-scaleout, and of a version that exports ${name}? Then run "pulumi up" on it`
			: 'it has no outputs at all. Run "pulumi up" on it first, or correct the name';
		throw new ProgramError(`stack ${stackName} has no output "${name}": ${remedy}`);
	});
}

/**
 * What a swarm-scaleout stack tells of one of its services.
 *
 * @throws ProgramError (as the program's failure) when it has no such service: it names those that there are.
 */
export function requireService(stack: pulumi.StackReference, service: string): pulumi.Output<ServiceOutputs> {
	return pulumi.all([requireOutput(stack, "services"), stack.name]).apply(([services, stackName]) => {
		const found = services[service];
		if (found) return found;
		throw new ProgramError(
			`stack ${stackName} has no service "${service}": it has ${Object.keys(services).sort().join(", ")}. Correct the name`,
		);
	});
}
