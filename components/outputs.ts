import * as pulumi from "@pulumi/pulumi";
import { ProgramError } from "../lib/programError.ts";
import type { ProbeResult } from "../providers/service/resource.ts";

/** A service's part of the outputs. */
export interface ServiceOutputs {
	/** URL that leads to it, by its first route; null without a route. */
	endpoint: string | null;
	/** The image that runs, by digest. */
	image: string;
	/** What the prober saw during the last rollout with it on; null before. */
	lastRollout: ProbeResult | null;
}

/** What a stack of this program exports. The names are stable: other stacks read them with `requireOutput`. */
export interface ScaleoutOutputs {
	/** URL of NGINX's first site. */
	endpoint: string;
	/** By name. */
	services: Record<string, ServiceOutputs>;
	/** Private IPv4 address of each host, by its name. */
	nodes: Record<string, string>;
	/** ID of the swarm. */
	swarmId: string;
	/** The export that collects the logs: server address and path. */
	nfs: { server: string; path: string };
	/** Where the collected logs are: host name and directory. */
	logLocation: { host: string; directory: string };
}

/**
 * An output of a swarm-scaleout stack, with its type.
 *
 * @throws ProgramError (as the program's failure) when the stack has no such output, with stack, output and remedy.
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
 * The outputs of one service of a swarm-scaleout stack.
 *
 * @throws ProgramError (as the program's failure) when it has no such service, with the names of those that exist.
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
