import { describe, expect, test } from "vitest";
import { differencesOf, nextDrift } from "../../../lib/drift.ts";

describe("drift", () => {
	test("is told line by line, and names what went and came", () => {
		const printed = ["nginx\t<\tone\tother", "nginx\t>\tone\tfirst", "nginx\t<\tthree\tthird", "nginx\t>\ttwo\tsecond", "no such line"];
		expect(differencesOf(printed.join("\n"))).toEqual({
			nginx: { one: "other instead of first", three: "third instead of absent", two: "absent instead of second" },
		});
	});

	test("counts, so that the same difference counts again; steps without one stay as they were", () => {
		const once = nextDrift({}, { nginx: { a: "b instead of c" } });
		expect(once).toEqual({ nginx: { seen: 1, differs: { a: "b instead of c" } } });
		expect(nextDrift(once, {})).toEqual(once);
		const both = { a: "b instead of c", d: "e instead of f" };
		expect(nextDrift(once, { nginx: both, log: { x: "y instead of z" } })).toEqual({
			nginx: { seen: 2, differs: both },
			log: { seen: 1, differs: { x: "y instead of z" } },
		});
	});

	test("is text, whatever a host prints: no order to a terminal, no more than the state can hold", () => {
		const many = Array.from({ length: 1000 }, (_, i) => `constructor\t<\t${i}${"x".repeat(1e3)}\t${"y".repeat(1e3)}`);
		const printed = ["nginx\t<\ta\x1b[2J\u202e\tb\r!", "nginx\t>\ta\x1b[2J\u202e\tc", ...many].join("\n");
		const drift = nextDrift({}, differencesOf(printed));
		expect(drift.nginx?.differs).toEqual({ "a\\x1b[2J\\u{202e}": "b\\x0d! instead of c" });
		expect(drift.constructor).toMatchObject({ seen: 1, differs: { "…": "and 980 more" } });
		expect(JSON.stringify(drift).length).toBeLessThan(12_000);
	});
});
