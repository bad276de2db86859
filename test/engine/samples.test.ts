import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EngineEvent, readPreview } from "../../cli/changes.ts";
import { missingEngine } from "../../lab/engine.ts";
import { previewSamples } from "../docs/samples.ts";
import { sampleEnvironment, sampleStack } from "../support/sample.ts";
import { projectDirectory, type TestStack } from "../support/stack.ts";

/* Previews of a deployed stack of hosts that exist nowhere: the real engine on a state made from the mock runtime's record. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-samples-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;
	beforeAll(async () => {
		stack = await sampleStack(scratch);
	});

	test("a configuration that has not changed is no change of any resource", async () => {
		const { code, output } = await stack.previewText("--expect-no-changes");
		expect(code, output).toBe(0);
	});

	test("the summary knows what each host is for, also of those that stay as they are", async () => {
		const log = path.join(stack.directory, "roles.json");
		stack.env.PULUMI_DEBUG_COMMANDS = "true";
		const { code, output } = await stack.previewText("--event-log", log);
		expect(code, output).toBe(0);
		const events = fs.readFileSync(log, "utf8").split("\n").filter(Boolean);
		const { roles } = readPreview(events.map((line) => JSON.parse(line) as EngineEvent));
		const some = { "hosts-worker1": ["worker", "app"], "hosts-log": ["log"], "hosts-nginx": ["balancer"] };
		expect(Object.fromEntries(roles)).toMatchObject(some);
	});

	test("docs/previews.md is what the engine says: npm run docs:previews writes it again", async () => {
		const said = await previewSamples(stack);
		const written = fs.readFileSync(path.join(projectDirectory, "docs", "previews.md"), "utf8");
		// The first line that differs, so that a summary of failures tells it; then the whole.
		const lines = written.split("\n");
		const other = said.split("\n").find((line, at) => line !== lines[at]);
		expect(other, `the engine says "${other}" now`).toBeUndefined();
		expect(written).toBe(said);
	});

	describe("npm run preview", () => {
		const preview = (...args: string[]) => {
			stack.writeConfig();
			const given = ["cli/preview.ts", "--stack", stack.name, "--config-file", stack.configFile, "--non-interactive", ...args];
			const temporary = path.join(scratch, "tmp");
			fs.mkdirSync(temporary, { recursive: true });
			const env = { ...stack.env, TMPDIR: temporary };
			const { status, stdout, stderr } = spawnSync("node", given, { cwd: projectDirectory, env, encoding: "utf8" });
			return { status, output: stdout + stderr, left: fs.readdirSync(temporary).filter((name) => name.startsWith("scaleout-preview")) };
		};

		test("shows the engine's diff, and after it what the change does; writes it as Markdown; leaves no event behind", () => {
			Object.assign(stack.config["swarm-scaleout:nginx"] as object, { method: "ip_hash" });
			const markdown = path.join(scratch, "summary.md");
			const { status, output, left } = preview("--diff", "--markdown", markdown);
			expect(status, output).toBe(0);
			expect(output).toMatch(/\+ +ip_hash;[\s\S]*Disruption: reload [\s\S]*reload {2}~nginx: /);
			expect(fs.readFileSync(markdown, "utf8")).toMatch(/^### sample: disruption reload\n[\s\S]*\| reload \| ~nginx \| /);
			expect(left).toEqual([]);
			for (const secret of [...Object.values(sampleEnvironment), "planted-private-key"]) expect(output).not.toContain(secret);
		});

		test("fails as pulumi does, without a summary", () => {
			stack.config["swarm-scaleout:nginx"] = { method: "fastest" };
			const { status, output, left } = preview();
			expect(status).not.toBe(0);
			expect(output).toContain('nginx.method = "fastest"');
			expect(output).not.toContain("Disruption:");
			expect(left).toEqual([]);
		});
	});
});
