import * as fs from "node:fs";
import * as path from "node:path";
import { clientOf, clientsStep, serverStep } from "../../components/nfs.ts";
import { parseTopology } from "../../config/parse.ts";
import { readStackFile } from "../../config/stackFile.ts";
import { shellQuote } from "../../lib/connection.ts";
import { StandInHost } from "../support/standInHost.ts";
import { type AnyStep, commandsOf } from "../support/step.ts";

/*
 * What a step on a host prints when it fails: the steps themselves, on a stand-in of a host.
 *
 *   node test/docs/failedStep.ts   writes docs/failed-step.md
 */

const project = path.join(import.meta.dirname, "..", "..");
const file = path.join(project, "docs", "failed-step.md");

/** The page. */
export function failedStepPage(): string {
	const { logs } = parseTopology(readStackFile(path.join(project, "Pulumi.lab.yaml")));
	const files = "/etc/exports.d/swarm-scaleout-lab-logs";
	const client = clientOf("192.168.3.5", { ...logs, exportOptions: ["rww"] }, files);
	const refuse = program("exportfs", `exportfs: ${client.file}:1: unknown keyword "rww"`);
	const readOnly = program("chown", `chown: changing ownership of '${logs.path}': Read-only file system`);
	return `# A step that fails

What \`pulumi up\` shows when a step on a host fails: the command, which is one short line; then the reason, with property, value and remedy; then what the
programs of the host have said. Made by \`npm run docs\`, by the steps themselves on a stand-in of a host.

The directory of the logs is exported already, by a line of /etc/exports that others wrote:

\`\`\`text
${failureOf(serverStep(logs, [], files, "logs-clients"), () => `echo '${logs.path} 10.0.0.0/8(rw)' > /etc/exports`)}
\`\`\`

An option of the export that the NFS server does not know. The file of before is there again:

\`\`\`text
${failureOf(clientsStep(logs.path, [client], files), refuse)}
\`\`\`

A command that fails without a reason of ours is named, with its place and its last words:

\`\`\`text
${failureOf({ step: "nfs/server", settings: { path: logs.path, owner: "10001:10001", mode: "0750" } }, readOnly)}
\`\`\`
`;
}

/** A host with a program that says something and fails. */
const program = (name: string, said: string) => (host: StandInHost) => {
	fs.writeFileSync(path.join(host.root, ".bin", name), `#!/bin/sh\necho ${shellQuote(said)} >&2\nexit 1\n`, { mode: 0o755 });
	// In place of the stand-in.
	return `unset -f ${name}`;
};

/** What the engine prints of a step that fails on a host that was prepared. */
function failureOf(step: AnyStep, prepare: (host: StandInHost) => string): string {
	const host = new StandInHost();
	try {
		const { create, stdin } = commandsOf(step);
		const { status, stdout, stderr } = host.run(`${prepare(host)}\n${create}`, stdin);
		if (status === 0) throw new Error(`${step.step} does not fail`);
		return `error: Process exited with status ${status}: running "${create}":\n${`${stdout}${stderr}`.replaceAll(host.root, "").trim()}`;
	} finally {
		host.remove();
	}
}

if (process.argv[1] === import.meta.filename) fs.writeFileSync(file, failedStepPage());
