import * as fs from "node:fs";
import * as path from "node:path";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";

/*
 * Looks for secret values where they must not be. The values go to a host by standard input and into shell variables, so that the search
 * does not put them where it looks; what is found is told by place, without the value.
 */

/** Reads the values, one a line, and looks at command line and environment of every process but those in containers, by builtins alone. */
const processes = `
mapfile -t values
values_in() {
  local content value
  mapfile -d '' -t content < "$1" || return 0
  for value in "\${values[@]}"; do
    [[ "\${content[*]}" == *"$value"* ]] && echo "$1 of $(cat "\${1%/*}/comm")"
  done
  return 0
}
processes() {
  local process
  for process in /proc/[0-9]*; do
    # What runs in a container may hold the environment form.
    mapfile -t groups < "$process/cgroup" || continue
    [[ "\${groups[*]}" =~ docker[-/][0-9a-f]{64} ]] && continue
    values_in "$process/cmdline"
    values_in "$process/environ"
  done 2>/dev/null
}
`;

/** Places on a host that hold one of the values: processes now, the journal with its command lines, and files below the directories. */
export async function placesOn(connection: Connection, values: string[], directories: string[]): Promise<string[]> {
	const script = `${processes}
processes
patterns() { printf '%s\\n' "\${values[@]}"; }
# Docker's health check puts the container's environment there for a moment.
grep -rlsF --exclude-dir=journal --exclude='runc-process*' -f <(patterns) ${directories.join(" ")} || true
# Counted to the end: grep -q would break the pipe, and that counts as not found.
[ "$(journalctl --no-pager -o cat | grep -cF -f <(patterns))" = 0 ] || echo "the journal"
[ "$(journalctl --no-pager -F _CMDLINE | grep -cF -f <(patterns))" = 0 ] || echo "a command line in the journal"
`;
	return lines(await execAsRoot(connection, script, { stdin: values.join("\n"), deadlineSeconds: 300 }));
}

/** Looks at a host's processes once a second until `stop` is called, which gives the places where a value was seen. */
export function watchProcesses(connection: Connection, values: string[]): { stop(): Promise<string[]> } {
	const end = "/run/scaleout-test-end";
	const script = `${processes}
rm -f ${end}
for second in $(seq 900); do
  processes
  [ -e ${end} ] && break
  sleep 1
done
rm -f ${end}
echo "looked $second times"
`;
	const watched = execAsRoot(connection, script, { stdin: values.join("\n"), deadlineSeconds: 1800 });
	// Awaited in stop(); until then a failure is not unhandled.
	watched.catch(() => {});
	return {
		async stop() {
			await execAsRoot(connection, `touch ${end}`);
			const seen = lines(await watched);
			if (!/^looked [1-9]\d* times$/.test(seen.pop() ?? "")) throw new Error("the processes were not watched to the end");
			return [...new Set(seen)];
		},
	};
}

/** Files of this machine that hold one of the values, among those written since `since` (milliseconds). */
export function filesHere(directory: string, values: string[], since: number): string[] {
	const found: string[] = [];
	for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
		const file = path.join(directory, entry.name);
		try {
			if (entry.isDirectory()) found.push(...filesHere(file, values, since));
			else if (entry.isFile() && isRecentText(file, since) && values.some((value) => fs.readFileSync(file, "latin1").includes(value)))
				found.push(file);
		} catch (error) {
			// Another process's temporary file may go at any time.
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
	}
	return found;
}

function isRecentText(file: string, since: number): boolean {
	const { mtimeMs, size } = fs.statSync(file);
	return mtimeMs >= since && size < 20_000_000;
}

const lines = (text: string) => text.split("\n").filter(Boolean);
