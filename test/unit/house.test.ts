import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { projectDirectory } from "./fixtures.ts";

/* What the structure of this project promises, counted. */

const rooms = ["cli", "components", "config", "host", "lab", "lib", "providers", "test/bench", "test/docs"];

const filesOf = (room: string, ending: RegExp): string[] =>
	fs
		.readdirSync(path.join(projectDirectory, room), { recursive: true, encoding: "utf8" })
		.filter((name) => ending.test(name))
		.map((name) => path.join(room, name));
const read = (file: string) => fs.readFileSync(path.join(projectDirectory, file), "utf8");
const sources = rooms.flatMap((room) => filesOf(room, /\.ts$/));

describe("bash", () => {
	/** What only a script has. A command of a few words is none. */
	const script = /^\s*(if|for|while|until)\b.*; (then|do)$|^\s*case .* in$|^set -|\$\(|<<|2>|\|\| (exit|true|echo)|; do /m;

	/** The texts of a file, each with its placeholders as `…`. */
	function textsIn(file: string): string[] {
		const texts: string[] = [];
		const visit = (node: ts.Node) => {
			if (ts.isStringLiteralLike(node)) texts.push(node.text);
			else if (ts.isTemplateExpression(node))
				texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…"));
			ts.forEachChild(node, visit);
		};
		visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest));
		return texts;
	}

	test("stands in files of host/, where shellcheck reads it, and in no text of the program", () => {
		expect(sources.length).toBeGreaterThan(100);
		const found = sources.flatMap((file) => textsIn(file).flatMap((text) => (script.test(text) ? [`${file}: ${text}`] : [])));
		expect(found).toEqual([]);
	});

	test("is used, each file of it", () => {
		const used = [...sources, ...filesOf("host", /\.(sh|py)$/)].map(read).join("\n");
		const scripts = filesOf("host/steps", /\.sh$/).map((file) => path.relative("host/steps", file).replace(/(\.undo)?\.sh$/, ""));
		const unused = scripts.filter(
			(name) => !used.includes(`"${name}"`) && !used.includes(`$kit/${name}.sh`) && !used.includes(`/${name}.sh `),
		);
		expect(unused).toEqual([]);
	});
});

test("no source is longer than one can keep in mind: about 300 lines", () => {
	const long = [...sources, ...filesOf("host", /\.(sh|py)$/)].map((file) => [file, read(file).split("\n").length - 1] as const);
	expect(long.filter(([, lines]) => lines > 300)).toEqual([]);
});

describe("imports", () => {
	/** What each room may import of. Nothing of what is not there: values flow one way. */
	const allowed: Record<string, string[]> = {
		lib: [],
		host: ["lib"],
		providers: ["host", "lib"],
		components: ["providers", "host", "lib"],
		config: ["lib"],
		cli: ["components", "providers", "host", "config", "lib"],
		lab: ["lib"],
	};

	const importsOf = (file: string) =>
		[...read(file).matchAll(/(?:from |import\()"(\.[^"]+)"/g)].map(([, name = ""]) => path.join(path.dirname(file), name));

	test.each(Object.entries(allowed))("%s knows only what is below it: %j", (room, below) => {
		const files = filesOf(room, /\.ts$/);
		expect(files.length).toBeGreaterThan(0);
		const found = files.flatMap((file) => importsOf(file).map((imported) => `${file} imports ${imported}`));
		const up = found.filter((words) => ![room, ...below].some((other) => words.includes(` imports ${other}/`)));
		// The trial without the engine runs the program itself.
		expect(up.filter((words) => !words.endsWith(" imports index.ts"))).toEqual([]);
	});
});

test("the README's picture has the arrows of index.ts, and no other", () => {
	/** Parts that are made for each of several, by what they are called there. */
	const boxes: Record<string, string> = { deployed: "service" };
	const origins = new Map<string, Set<string>>();
	const arrows = new Set<string>();
	const namesIn = (node: ts.Node): string[] => {
		if (ts.isIdentifier(node)) return [node.text];
		if (ts.isPropertyAccessExpression(node)) return namesIn(node.expression);
		if (ts.isPropertyAssignment(node)) return namesIn(node.initializer);
		const found: string[] = [];
		ts.forEachChild(node, (child) => void found.push(...namesIn(child)));
		return found;
	};
	const bound = (name: ts.BindingName): string[] =>
		ts.isIdentifier(name) ? [name.text] : name.elements.flatMap((element) => (ts.isBindingElement(element) ? bound(element.name) : []));
	const readDeclaration = (name: ts.BindingName, value: ts.Node | undefined) => {
		const from = new Set(value && namesIn(value).flatMap((used) => [...(origins.get(used) ?? [])]));
		const isPart = value && ts.isNewExpression(value);
		const [part = ""] = bound(name);
		const box = boxes[part] ?? part;
		if (isPart) for (const other of from) arrows.add(`${other} -> ${box}`);
		for (const each of bound(name)) origins.set(each, isPart ? new Set([box]) : from);
	};
	const readStatements = (statements: readonly ts.Statement[], whole?: ts.BindingName) => {
		for (const statement of statements) {
			if (ts.isReturnStatement(statement) && whole) readDeclaration(whole, statement.expression);
			if (!ts.isVariableStatement(statement) || statement.modifiers) continue;
			for (const { name, initializer } of statement.declarationList.declarations) {
				const each = initializer && ts.isCallExpression(initializer) ? initializer.arguments[0] : undefined;
				if (each && ts.isArrowFunction(each) && ts.isBlock(each.body)) readStatements(each.body.statements, name);
				else readDeclaration(name, initializer);
			}
		}
	};
	readStatements(ts.createSourceFile("index.ts", read("index.ts"), ts.ScriptTarget.Latest).statements);
	const [, picture = ""] = read("README.md").split("Values flow one way");
	const drawn = [...picture.matchAll(/^ {2}(\w+)(?:\[.*?\])? -->(?:\|.*?\|)? (\w+)/gm)].map(([, from, to]) => `${from} -> ${to}`);
	expect(drawn.sort()).toEqual(["config -> hosts", ...arrows].sort());
});

test("the project is ten directories", () => {
	const { stdout } = spawnSync("git", ["ls-files", "--", "*/*"], { cwd: projectDirectory, encoding: "utf8" });
	const directories = new Set(stdout.split("\n").map((file) => file.split("/")[0] ?? ""));
	const known = ["cli", "components", "config", "docs", "example", "host", "lab", "lib", "providers", "test"];
	expect([...directories].filter((name) => name && !name.startsWith(".")).sort()).toEqual(known);
});

test("a host that is called otherwise is a preview of less than 15 lines", () => {
	const [, section = ""] = read("docs/previews.md").split("## Another name for a host");
	const [, diff = ""] = /```diff\n([\s\S]*?)```/.exec(section) ?? [];
	expect(diff).toContain("tokyo");
	expect(diff.split("\n").length).toBeLessThan(15);
});
