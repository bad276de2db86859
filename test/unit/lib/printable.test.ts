import { expect, test } from "vitest";
import { printable } from "../../../lib/printable.ts";

test.each([
	["text of all languages, with its lines and tabs, as it is", "größer\t漢 $x\n'y' 🙂", "größer\t漢 $x\n'y' 🙂"],
	["what a terminal obeys is written out", "a\x1b[31mb\x07\x7f\x9b", "a\\x1b[31mb\\x07\\x7f\\x9b"],
	["a line that would write over itself", "good\rbad", "good\\x0dbad"],
	["the end of a line as Windows has it is one", "a\r\nb", "a\nb"],
	["what turns the direction or hides", "a\u202eb\u200bc\u2028d", "a\\u{202e}b\\u{200b}c\\u{2028}d"],
])("%s", (_what, text, shown) => {
	expect(printable(text)).toBe(shown);
});
