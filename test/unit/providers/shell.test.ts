import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { providerModule, providerText as textOf } from "../../../providers/shell.ts";
import { projectDirectory } from "../fixtures.ts";

/** The provider from its text, as the engine's provider process makes it. */
function load(text: string): pulumi.dynamic.ResourceProvider {
	const require = createRequire(path.join(projectDirectory, "package.json"));
	const Module = require("node:module");
	const module = new Module("provider");
	module.paths = [path.join(projectDirectory, "node_modules")];
	module._compile(text, "provider");
	return module.exports.handler();
}

describe("the text that the engine stores with a resource", () => {
	test("is the same for every provider but for the path of its module", () => {
		const [a, b] = [textOf("./providers/a/provider.ts"), textOf("./providers/b/provider.ts")];
		expect(a).toContain("providers/a/provider.ts");
		expect(a.replaceAll("providers/a/", "providers/b/")).toBe(b);
	});

	test("holds nothing of what a provider does, and no path of this machine: a change of either would be a change of every resource", () => {
		const text = textOf("./providers/machine/provider.ts");
		for (const word of ["defineProvider", "sameValue", "qemu", "ssh2", "p-retry", projectDirectory, os.homedir()]) {
			expect(text).not.toContain(word);
		}
		expect(text.length).toBeLessThan(200);
	});
});

test.each([
	["of this project", "/anywhere/swarm-scaleout/providers/shell.ts", "./providers/machine/provider.ts"],
	["that only uses this package", "/anywhere/node_modules/swarm-scaleout/dist/providers/shell.js", "swarm-scaleout/providers/machine"],
])("the module of a provider, in a program %s, is nothing that only one machine has", (_program, file, expected) => {
	expect(providerModule("machine", file)).toBe(expected);
});

describe("a provider made from its text", () => {
	const before = process.cwd();
	let project: string;

	beforeEach(() => {
		project = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-shell-"));
		fs.writeFileSync(path.join(project, "package.json"), '{ "type": "module" }');
		process.chdir(project);
	});
	afterEach(() => {
		process.chdir(before);
		fs.rmSync(project, { recursive: true });
	});

	test("runs today's module of the directory it is in", async () => {
		const text = textOf("./provider.ts");
		fs.writeFileSync(
			"provider.ts",
			"export const provider: object = { create: async (inputs: object) => ({ id: 'today', outs: inputs }) };\n",
		);
		expect(await load(text).create({ size: 1 })).toEqual({ id: "today", outs: { size: 1 } });
	});

	test.each(["check", "diff", "create", "read", "update", "delete"] as const)(
		"hands %s and all its arguments to the module",
		async (method) => {
			const text = textOf("./provider.ts");
			fs.writeFileSync("provider.ts", `export const provider = { ${method}: async (...given: unknown[]) => given };\n`);
			const given = { check: ["olds", "news"], diff: ["id", "olds", "news"], create: ["inputs"], read: ["id", "props"] };
			const args = { ...given, update: given.diff, delete: given.read }[method];
			const call = load(text)[method] as (...args: unknown[]) => Promise<unknown>;
			expect(await call(...args)).toEqual(args);
		},
	);
});
