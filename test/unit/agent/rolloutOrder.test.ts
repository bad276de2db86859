import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { projectDirectory } from "../fixtures.ts";

/* The program that has Swarm keep an order of nodes, against a stand-in of the docker program. It knows the subcommands that Docker 20.10 has
 * and no other; the fault tests run the program on a swarm. */

let scratch: string;
beforeEach(() => {
	scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-order-"));
	write("first", "new");
	for (const node of ["second", "third"]) write(node, "old");
});
afterEach(() => fs.rmSync(scratch, { recursive: true }));

const write = (node: string, task: string) => fs.writeFileSync(path.join(scratch, node), task);
const calls = () => fs.readFileSync(path.join(scratch, "calls"), "utf8").trim().split("\n");

/** Runs the program while `docker` is a shell script: a file `<node>` names the task that runs there, a file `<node>.held` says that it is held. */
function run(beforehand = ""): Promise<{ code: number | null; output: string }> {
	const docker = `#!/bin/bash
cd ${scratch}
${beforehand}
case "$*" in
  "inspect --type node "*)
    [ -e "$4.held" ] && echo '[{"Spec":{"Availability":"pause","Labels":{"scaleout.held":"was"}}}]' || echo '[{"Spec":{"Availability":"active"}}]' ;;
  "node update "*)
    node=\${!#}
    case "$*" in *--label-add*) touch $node.held ;; *) echo "release $node" >> calls; rm $node.held; grep -q rollback calls || echo new > $node ;; esac ;;
  "inspect --type service "*) echo '[{"UpdateStatus":{"State":"completed","StartedAt":"now"}}]' ;;
  "service ps "*) node=\${5#node=}; echo "forgotten-$node $(cat $node)-$node" ;;
  "service rollback "*) echo rollback >> calls ;;
  "inspect --type task "*)
    case $4 in
      forgotten-*) echo "Error: No such task: $4" >&2; exit 1 ;;
      *) echo '[{"ID":"'$4'","Status":{"State":"running"},"DesiredState":"running"}]' ;;
    esac ;;
  *) echo "docker: '$1' is not a docker command." >&2; exit 1 ;;
esac
`;
	fs.writeFileSync(path.join(scratch, "docker"), docker, { mode: 0o755 });
	const args = [path.join(projectDirectory, "agent", "rollout-order.py"), "--service", "was", "--limit", "20", "first", "second", "third"];
	const child = spawn("python3", args, { env: { ...process.env, PATH: `${scratch}:${process.env.PATH}` } });
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
	return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

describe("the order of nodes", () => {
	test("is kept while Swarm forgets old tasks between a list and a look", async () => {
		const { code, output } = await run();
		expect(code, output).toBe(0);
		expect(output).toMatch(/held: second third\nfirst: replaced\nsecond: replaced\nthird: replaced\n/);
		expect(calls()).toEqual(["release second", "release third"]);
	});

	test("is kept when the manager does not answer for a moment", async () => {
		const once = `[ "$1 $2" = "service ps" ] && [ ! -e failed ] && { touch failed; echo "Cannot connect to the Docker daemon" >&2; exit 1; }`;
		const { code, output } = await run(once);
		expect(code, output).toBe(0);
		expect(output).toContain("Cannot connect to the Docker daemon");
		expect(calls()).toEqual(["release second", "release third"]);
	});

	test("is given up for the version before, never for all nodes at once", async () => {
		const { code, output } = await run(`[ "$1 $3" = "inspect task" ] && { echo 'no JSON'; exit; }`);
		expect(code, output).toBe(1);
		expect(calls()).toEqual(["rollback", "release second", "release third"]);
		expect(fs.readFileSync(path.join(scratch, "third"), "utf8")).toBe("old");
	});
});
