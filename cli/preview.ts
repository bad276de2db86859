import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { type EngineEvent, readPreview } from "./changes.ts";
import { summaryMarkdown, summaryText } from "./summary.ts";

/*
 * Runs `pulumi preview`, and then prints what the changes do to the service's users:
 *
 *   npm run preview -- --stack NAME [--markdown FILE] [any option of pulumi preview]
 *
 * --markdown also writes the summary to a file, for a comment on a pull request. The exit status is that of `pulumi preview`.
 */

/** Separates this program's own option from the rest. */
export function ownOptions(args: string[]): { markdown?: string; stack: string; rest: string[] } {
	const { values, tokens } = parseArgs({
		args,
		options: { markdown: { type: "string" }, stack: { type: "string", short: "s" } },
		strict: false,
		tokens: true,
	});
	const own = tokens.find((token) => token.kind === "option" && token.name === "markdown");
	const rest = args.filter((_, i) => !own || i < own.index || i > own.index + (own.kind === "option" && own.inlineValue === false ? 1 : 0));
	return { markdown: values.markdown as string | undefined, stack: (values.stack as string | undefined) ?? "preview", rest };
}

async function main(args: string[]): Promise<number> {
	const { markdown, stack, rest } = ownOptions(args);
	// The engine's events contain secrets in plain text: only the owner can read the directory, and it is always removed.
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-preview-"));
	const discard = () => fs.rmSync(directory, { recursive: true, force: true });
	process.on("exit", discard);
	const log = path.join(directory, "events.json");
	const code = await pulumi(["preview", ...rest, "--event-log", log]);
	if (code !== 0 || !fs.existsSync(log)) return code;
	const events = fs.readFileSync(log, "utf8").split("\n").filter(Boolean);
	const preview = readPreview(events.map((line) => JSON.parse(line) as EngineEvent));
	process.stdout.write(`\n${summaryText(preview)}`);
	if (markdown) fs.writeFileSync(markdown, summaryMarkdown(preview, stack));
	return code;
}

function pulumi(args: string[]): Promise<number> {
	// The event log is meant for tools such as the Automation API; the CLI offers it only with this variable.
	const env = { ...process.env, PULUMI_DEBUG_COMMANDS: "true" };
	const child = spawn("pulumi", args, { env, stdio: "inherit" });
	// A terminal interrupts the child as well, and a second interrupt would make it abort: wait for it, so that it frees the stack's lock.
	process.on("SIGINT", () => {});
	process.on("SIGTERM", () => child.kill("SIGTERM"));
	return new Promise((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (code) => resolve(code ?? 1));
	});
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main(process.argv.slice(2));
