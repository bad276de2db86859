import { describe, expect, test } from "vitest";
import { aliasesOf, firstName } from "../../../components/hostNames.ts";

const host = { name: "node", aliases: ["middle", "first"] };

describe("a host under another name", () => {
	test("has resources that are known by all its former names, the latest first", () => {
		expect(aliasesOf(host, (name) => `registry-trust-${name}`)).toEqual([
			{ name: "registry-trust-middle" },
			{ name: "registry-trust-first" },
		]);
		expect(aliasesOf({ name: "stays", aliases: [] }, (name) => name)).toEqual([]);
	});

	test("may have its first name again", () => {
		expect(aliasesOf({ name: "back", aliases: ["away", "back"] }, (name) => name)).toEqual([{ name: "away" }]);
	});

	test("keeps the name that it was made with", () => {
		expect([host, { name: "stays", aliases: [] }, { name: "back", aliases: ["away", "back"] }].map(firstName)).toEqual([
			"first",
			"stays",
			"back",
		]);
	});
});
