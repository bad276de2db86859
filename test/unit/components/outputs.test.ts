import * as fs from "node:fs";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import type { ScaleoutOutputs } from "../../../components/outputs.ts";
import { projectDirectory } from "../fixtures.ts";

type Exports = pulumi.Unwrap<typeof import("../../../index.ts")>;

/** The compiler guards these: the program exports what the interface says, and nothing else. */
const fits = (exported: Exports): ScaleoutOutputs => exported;
const names: Record<keyof ScaleoutOutputs & keyof Exports, true> & Record<Exclude<keyof Exports, keyof ScaleoutOutputs>, never> = {
	endpoint: true,
	services: true,
	nodes: true,
	swarmId: true,
	nfs: true,
	logLocation: true,
};

test("the README names every output of the interface, and no other", () => {
	expect(fits).toBeTypeOf("function");
	const readme = fs.readFileSync(path.join(projectDirectory, "README.md"), "utf8");
	const [, section = ""] = readme.split("## Outputs");
	const listed = section.split("\n## ")[0]?.match(/^\| `\w+`/gm) ?? [];
	expect(listed.map((row) => row.slice(3, -1))).toEqual(Object.keys(names));
});
