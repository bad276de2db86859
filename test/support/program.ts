import * as pulumi from "@pulumi/pulumi";
import type { Props, Recorder } from "./mocks.ts";

/** Configuration as the engine hands it to a program: every value as text, structures as JSON. */
export function asText(config: Props): Record<string, string> {
	return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}

/**
 * Runs the whole program against the mock runtime, once a process: a module is loaded once.
 *
 * @param config The stack's configuration, by key with the project's name.
 * @returns The stack's outputs.
 */
export async function runProgram(recorder: Recorder, config: Props, stack: string): Promise<Props> {
	pulumi.runtime.setAllConfig(asText(config));
	await recorder.start("swarm-scaleout", stack);
	const exported = pulumi.output({ ...(await import("../../index.ts")) }) as pulumi.Output<Props>;
	const outputs = await new Promise<Props>((resolve) => void exported.apply(resolve));
	await pulumi.runtime.disconnect();
	return outputs;
}
