import type { HostStepArgs } from "../../components/host.ts";
import { kitDirectory, stepVersion } from "../../host/kit.ts";
import { manifest, type StepData } from "../../host/manifest.ts";
import type { StandInHost } from "./standInHost.ts";

/* Steps without the engine: the same command and the same standard input. */

/** A step of the program, or one of a test's own. */
export type AnyStep = Omit<HostStepArgs, "step"> & { step: string };

/** The commands of a step whose values are all plain, and its standard input. */
export function commandsOf({ step, ...data }: AnyStep, owner = "swarm-scaleout/lab", record = step.replace("/", "-")) {
	const of = (script: string) => `bash ${kitDirectory(owner)}/${script}.sh ${step}`;
	const names = { step, version: stepVersion(step), record };
	return { create: of("run"), delete: of("undo"), stdin: manifest(names, data as StepData) };
}

/** Carries a step out on a stand-in of a host. `standIns`: functions of bash, exported, in place of programs. */
export function runStep(host: StandInHost, step: AnyStep, standIns = "") {
	const { create, stdin } = commandsOf(step);
	return host.run(`${standIns}\n${create}`, stdin);
}

/** Takes it back. */
export function undoStep(host: StandInHost, step: AnyStep, standIns = "") {
	const { delete: undo, stdin } = commandsOf(step);
	return host.run(`${standIns}\n${undo}`, stdin);
}
