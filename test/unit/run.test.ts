import { expect, test } from "vitest";
import { selected } from "../run.ts";

const files = ["02-interruption.test.ts", "12-acme.test.ts", "16-changed-terms.test.ts", "16", "keepLogs.ts", "config/faults.test.ts"];

test.each<[words: string[], expected: string[]]>([
	[[], []],
	[["16"], ["16-changed-terms.test.ts"]],
	[
		["12", "02-inter"],
		["02-interruption.test.ts", "12-acme.test.ts"],
	],
	[["2"], []],
	[["config/"], ["config/faults.test.ts"]],
	[["keep"], []],
])("of a layer's files those are run whose names begin with %j", (words, expected) => {
	expect(selected(files, words)).toEqual(expected);
});
