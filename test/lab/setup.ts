import type { TestProject } from "vitest/node";
import { bringUp, type Lab, takeDown } from "../support/lab.ts";

declare module "vitest" {
	interface ProvidedContext {
		lab: Lab;
	}
}

/** Brings the shared lab up before the lab tests and takes it down after them. KEEP_LAB=1 leaves it running, for the next run to use. */
export async function setup(project: TestProject): Promise<void> {
	project.provide("lab", await bringUp());
}

export async function teardown(): Promise<void> {
	if (!process.env.KEEP_LAB) await takeDown();
}
