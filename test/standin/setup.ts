import type { TestProject } from "vitest/node";
import { missingEngine } from "../../lab/engine.ts";
import { missingEmulator } from "./emulator.ts";

declare module "vitest" {
	interface ProvidedContext {
		/** Why the stand-in for the aws plugin cannot be used. */
		missingStandin?: string;
	}
}

/** Installs the emulator before the files run, which may run at the same time. */
export function setup(project: TestProject): void {
	project.provide("missingStandin", missingEngine() ?? missingEmulator());
}
