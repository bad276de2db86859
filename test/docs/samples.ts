import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type EngineEvent, readPreview } from "../../cli/changes.ts";
import { summaryText } from "../../cli/summary.ts";
import { type Differences, nextDrift } from "../../lib/drift.ts";
import { sampleStack } from "../support/sample.ts";
import type { TestStack } from "../support/stack.ts";

/*
 * Previews of typical changes, by the real engine, on a state made without hosts:
 *
 *   node test/docs/samples.ts           writes docs/previews.md
 *   node test/docs/samples.ts --check   fails when the file is not what the engine says
 */

// biome-ignore lint/suspicious/noExplicitAny: configuration before it is checked
type Config = Record<string, any>;

interface Sample {
	title: string;
	/** The change as an operator writes it. */
	yaml: string;
	apply?(config: Config): void;
	/** What a refresh found changed by hand, by host and step. */
	found?: Record<string, Record<string, Differences>>;
}

const serviceIn = (config: Config): Config => config["swarm-scaleout:services"]["babble-was"];
const newDigest = `sha256:${"2".repeat(64)}`;
const workerKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYG";

const samples: Sample[] = [
	{
		title: "A new image",
		yaml: `swarm-scaleout:services:
  babble-was:
    image: { tag: "1.1", pin: ${newDigest} }`,
		apply: (config) => Object.assign(serviceIn(config).image, { tag: "1.1", pin: newDigest }),
	},
	{
		title: "A new node",
		yaml: `swarm-scaleout:hosts:
  - name: worker3
    roles: [worker, app]
    address: 192.168.3.6
    ssh: { hostKey: "${workerKey}" }
swarm-scaleout:services:
  babble-was: { replicas: 4 }`,
		apply: (config) => {
			config["swarm-scaleout:hosts"].push({
				name: "worker3",
				roles: ["worker", "app"],
				address: "192.168.3.6",
				ssh: { hostKey: workerKey },
			});
			serviceIn(config).replicas = 4;
		},
	},
	{
		title: "Another balancing method",
		yaml: "swarm-scaleout:nginx: { method: ip_hash }",
		apply: (config) => Object.assign(config["swarm-scaleout:nginx"], { method: "ip_hash" }),
	},
	{
		title: "Another export",
		yaml: "swarm-scaleout:logs: { path: /mnt/was-logs }",
		apply: (config) => Object.assign(config, { "swarm-scaleout:logs": { path: "/mnt/was-logs" } }),
	},
	{
		title: "Another name for a host",
		yaml: `swarm-scaleout:hosts:
  - name: tokyo
    aliases: [worker2]`,
		apply: (config) => Object.assign(config["swarm-scaleout:hosts"][2], { name: "tokyo", aliases: ["worker2"] }),
	},
	{
		title: "Drift on three hosts",
		yaml: `# Nothing in the configuration. By hand, and seen by a refresh (npm run preview -- --stack NAME --diff --refresh):
# on log      rm /etc/exports.d/swarm-scaleout-sample-logs+192.168.3.5-mnt-main-was-logs.exports
# on worker1  apt-get remove conntrack
# on nginx    chmod 600 /etc/nginx/conf.d/swarm-scaleout-sample-nginx.conf`,
		found: {
			log: {
				"logs-clients": {
					"/etc/exports.d/swarm-scaleout-sample-logs+192.168.3.5-mnt-main-was-logs.exports":
						"absent instead of root:root 644 sha256 0f3a5c1e9b27",
				},
			},
			worker1: { packages: { "package conntrack": "config-files instead of installed" } },
			nginx: {
				nginx: {
					"/etc/nginx/conf.d/swarm-scaleout-sample-nginx.conf":
						"root:root 600 sha256 5b1d4c0a77e2 instead of root:root 644 sha256 5b1d4c0a77e2",
				},
			},
		},
	},
];

const file = path.join(import.meta.dirname, "..", "..", "docs", "previews.md");

const intro = `# Previews

What \`npm run preview -- --stack NAME --diff\` shows for six changes: the engine's diff, and the summary of what it means for those who use the service.
Made by \`npm run docs:previews\` with the real engine, on a state of the source system made without its hosts (\`test/docs/samples.yaml\`). Lines about
resources that stay as they are, URNs and IDs are left out.
`;

/** The preview of a change: the text as an operator sees it, and the summary. */
export async function previewOf(stack: TestStack, apply: (config: Config) => void): Promise<{ diff: string; summary: string }> {
	const before = structuredClone(stack.config);
	const log = path.join(stack.directory, "events.json");
	try {
		apply(stack.config);
		stack.env.PULUMI_DEBUG_COMMANDS = "true";
		const { code, output } = await stack.previewText("--color", "never", "--event-log", log);
		if (code !== 0) throw new Error(output);
		const events = fs.readFileSync(log, "utf8").split("\n").filter(Boolean);
		return { diff: output, summary: summaryText(readPreview(events.map((line) => JSON.parse(line) as EngineEvent))) };
	} finally {
		stack.config = before;
		fs.rmSync(log, { force: true });
	}
}

/**
 * The same text for the same preview: blocks by their names, then the messages, for the engine works in parallel and shows each when it comes; without
 * progress and identifiers.
 */
export function tidied(output: string): string {
	const lines = output
		.split("\n")
		.filter((line) => !/^(@ |Previewing|\s*$)|^ +\[(id|provider)=|^\s*pulumi:pulumi:Stack: |\[urn=.*pulumi:pulumi:Stack::/.test(line));
	const blocks: string[][] = [];
	const isMessage = (line: string) => /^[^\s[]/.test(line) && !line.startsWith("Resources:");
	for (const line of lines.filter((line) => !isMessage(line))) {
		if (isResource(line) || /^ {4}--outputs:--|^Resources:/.test(line)) blocks.push([]);
		// What comes before the first block is about the stack itself.
		blocks.at(-1)?.push(line.replace(/\[urn=.*::(.*)\]/, "[name=$1]"));
	}
	const resources = blocks.filter(([head]) => isResource(head)).sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
	return [...resources, lines.filter(isMessage).sort(), ...blocks.filter(([head]) => !isResource(head))].flat().join("\n");
}

const isResource = (line = "") => /^ {4}[~+-]+ ?[\w-]+:[\w/:-]+: \(/.test(line);
const keyOf = ([head = "", name = ""]: string[]) => `${head} ${name}`;

/** Does something while the stack's state has what a refresh would have found. */
async function withDrift<T>(stack: TestStack, found: NonNullable<Sample["found"]>, act: () => Promise<T>): Promise<T> {
	if (Object.keys(found).length === 0) return act();
	const before = (await stack.run("stack", "export", "--stack", stack.name)).output;
	const after = JSON.parse(before);
	for (const { type, inputs, outputs } of after.deployment.resources) {
		const ofHost = type.endsWith(":HostBootstrap") && found[inputs.host];
		if (!ofHost) continue;
		// As HostBootstrap's refresh takes them.
		const { packages = {}, ...ofSteps } = ofHost;
		outputs.differs = packages;
		inputs.drift = outputs.drift = nextDrift({}, ofSteps);
	}
	await importState(stack, JSON.stringify(after));
	try {
		return await act();
	} finally {
		await importState(stack, before);
	}
}

async function importState(stack: TestStack, state: string): Promise<void> {
	const given = path.join(stack.directory, "state.json");
	fs.writeFileSync(given, state);
	const { code, output } = await stack.run("stack", "import", "--stack", stack.name, "--file", given);
	fs.rmSync(given);
	if (code !== 0) throw new Error(output);
}

/** The whole of docs/previews.md. `stack` is one of `sampleStack`. */
export async function previewSamples(stack: TestStack): Promise<string> {
	const sections: string[] = [];
	for (const { title, yaml, apply = () => {}, found = {} } of samples) {
		const { diff, summary } = await withDrift(stack, found, () => previewOf(stack, apply));
		sections.push(`## ${title}\n\n\`\`\`yaml\n${yaml}\n\`\`\`\n\n\`\`\`text\n${summary}\`\`\`\n\n\`\`\`diff\n${tidied(diff)}\n\`\`\`\n`);
	}
	return [intro, ...sections].join("\n");
}

if (process.argv[1] === import.meta.filename) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-samples-"));
	try {
		const wanted = await previewSamples(await sampleStack(directory));
		if (!process.argv.includes("--check")) fs.writeFileSync(file, wanted);
		else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== wanted) {
			process.stderr.write('docs/previews.md is not what the engine says: run "npm run docs:previews"\n');
			process.exitCode = 1;
		}
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
}
