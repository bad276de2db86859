import * as pulumi from "@pulumi/pulumi";
import type { Props, Recorder } from "./mocks.ts";

/** Configuration as the engine hands it to a program: every value as text, structures as JSON. */
export function asText(config: Props): Record<string, string> {
	return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}

let runs = 0;

/**
 * Runs the whole program against the mock runtime.
 *
 * @param config The stack's configuration, by key with the project's name.
 * @returns The stack's outputs.
 */
export async function runProgram(recorder: Recorder, config: Props, stack: string): Promise<Props> {
	pulumi.runtime.setAllConfig(asText(config));
	await recorder.start("swarm-scaleout", stack);
	// A module is loaded once; by another URL it is another one.
	const program = new URL(`../../index.ts?run=${++runs}`, import.meta.url).href;
	const exported = pulumi.output({ ...(await import(/* @vite-ignore */ program)) }) as pulumi.Output<Props>;
	const outputs = await new Promise<Props>((resolve) => void exported.apply(resolve));
	await pulumi.runtime.disconnect();
	return outputs;
}
