import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Lab files build on one another's machines: in the order of their names. */
class ByName extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		return files.sort((a, b) => a.moduleId.localeCompare(b.moduleId));
	}
}

const minute = 60_000;

/** Emulated machines take minutes for what takes others seconds. */
const onMachines = { testTimeout: 30 * minute, hookTimeout: 60 * minute, fileParallelism: false };
const onLab = { globalSetup: "test/lab/setup.ts", setupFiles: ["test/lab/keepLogs.ts"], ...onMachines };

const standin = "test/standin/setup.ts";

export default defineConfig({
	// The example consumer imports the package by its name; here that is the source.
	resolve: { alias: { "swarm-scaleout/outputs": `${import.meta.dirname}/components/outputs.ts` } },
	test: {
		// The SDK's runtime keeps state that worker threads would share.
		pool: "forks",
		// By itself vitest leaves one core idle, half of two.
		maxWorkers: "100%",
		sequence: { sequencer: ByName },
		projects: [
			{
				extends: true,
				test: { name: "unit", include: ["test/unit/**/*.test.ts", "example/consumer/*.test.ts"], testTimeout: minute, hookTimeout: minute },
			},
			{
				extends: true,
				test: {
					name: "engine",
					include: ["test/engine/**/*.test.ts"],
					globalSetup: standin,
					testTimeout: 10 * minute,
					hookTimeout: 10 * minute,
				},
			},
			{ extends: true, test: { name: "lab", include: ["test/lab/**/*.test.ts"], ...onLab } },
			{ extends: true, test: { name: "prod", include: ["test/prod/**/*.test.ts"], globalSetup: standin, ...onMachines } },
			{ extends: true, test: { name: "faults", include: ["test/faults/**/*.test.ts"], ...onLab } },
		],
	},
});
