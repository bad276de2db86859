import * as fs from "node:fs";
import * as path from "node:path";
import { projectDirectory, TestStack } from "../support/stack.ts";

/**
 * The engine's floor: a program of as many trivial dynamic resources, in a project of its own of the same kind: Node runs TypeScript.
 *
 * @param count Resources, the stack itself among them.
 */
export function floorStack(directory: string, count: number): TestStack {
	fs.mkdirSync(directory, { recursive: true });
	fs.symlinkSync(path.join(projectDirectory, "node_modules"), path.join(directory, "node_modules"));
	fs.writeFileSync(path.join(directory, "package.json"), JSON.stringify({ name: "floor", type: "module", main: "index.ts" }));
	fs.writeFileSync(
		path.join(directory, "Pulumi.yaml"),
		"name: floor\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.ts\n",
	);
	fs.writeFileSync(
		path.join(directory, "index.ts"),
		`import * as pulumi from "@pulumi/pulumi";
const provider = { create: async (inputs: object) => ({ id: "id", outs: inputs }), diff: async () => ({ changes: false }) };
class Trivial extends pulumi.dynamic.Resource {
	constructor(name: string) { super(provider, name, { value: name }); }
}
for (let i = 0; i < ${count - 1}; i++) new Trivial(\`trivial-\${i}\`);
`,
	);
	return new TestStack("floor", path.join(directory, "stack"), {}, {}, directory);
}
