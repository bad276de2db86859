import { expect, test } from "vitest";
import type { Change, Preview } from "../../../cli/changes.ts";
import { ownOptions } from "../../../cli/preview.ts";
import { summaryMarkdown, summaryText } from "../../../cli/summary.ts";

const hostCheck = (name: string): Change => ({
	urn: "",
	type: "pulumi-nodejs:dynamic/scaleout:HostBootstrap",
	name,
	operation: "create",
	changed: [],
	olds: {},
	news: {},
});
const disk: Change = { ...hostCheck("log-disk"), type: "pulumi-nodejs:dynamic/scaleout:Disk", operation: "replace" };
const preview = (...changes: Change[]): Preview => ({ changes, roles: new Map() });

test("the gravest comes first, and the first line says it", () => {
	const lines = summaryText(preview(hostCheck("b"), disk, hostCheck("a"))).split("\n");
	expect(lines[0]).toMatch(/^Disruption: data /);
	expect(lines[1]).toMatch(/^ {2}data {2}\+-log-disk: /);
	expect(lines[2]).toMatch(/^ {2}none {2}\+a, \+b: /);
});

test("many resources of one reason are counted, not listed", () => {
	const text = summaryText(preview(...["a", "b", "c", "d", "e", "f", "g"].map(hostCheck)));
	expect(text).toContain("+a, +b, +c, +d, +e and 2 more: ");
});

test("a preview without changes says so", () => {
	expect(summaryText(preview())).toBe("Disruption: none. Nothing changes.\n");
	expect(summaryMarkdown(preview(), "prod")).toBe("### prod: disruption none\n\nNothing changes.\n");
});

test("as Markdown, a remark cannot break the table or bring HTML", () => {
	const service = { ...hostCheck("was"), type: "pulumi-nodejs:dynamic/scaleout:Service", operation: "update" as const };
	const inputs = { name: "was", publish: { mode: "host" }, rollout: { strategy: "lossless" } };
	const text = summaryMarkdown(preview({ ...service, changed: ["image"], news: inputs, note: "lossless rolling: a | b\n<img>" }), "prod");
	expect(text).toContain("| lossless rolling | ~was | a \\| b &lt;img> |");
});

test.each([
	[
		["--stack", "prod", "--diff", "--markdown", "x.md", "--refresh"],
		{ markdown: "x.md", stack: "prod", rest: ["--stack", "prod", "--diff", "--refresh"] },
	],
	[["--markdown=x.md", "-s", "lab"], { markdown: "x.md", stack: "lab", rest: ["-s", "lab"] }],
	[["--diff"], { markdown: undefined, stack: "preview", rest: ["--diff"] }],
])("%j: all options but --markdown go on to pulumi", (args, expected) => {
	expect(ownOptions(args)).toEqual(expected);
});
