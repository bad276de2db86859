import { defaultConvergeSeconds } from "../../lib/rollout.ts";
import type { ServiceInputs } from "./resource.ts";

/** Seconds until all tasks of a spec run and serve. Pure. */
export function convergeSeconds(inputs: ServiceInputs): number {
	return inputs.convergeSeconds ?? defaultConvergeSeconds(inputs, inputs.publish.mode === "host" ? inputs.nodes.length : inputs.replicas);
}
