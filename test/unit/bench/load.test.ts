import { expect, test } from "vitest";
import { figures, runTwice } from "../../../bench/load.ts";

const sample = (id: string, begun: number, status = 200) => ({ id, begun, took: 100, status });
const line = (id: string, status: string) => `2026-01-01T00:00:00.000+09:00 1 worker1 GET /load ${id} ${status} 0`;

test("a request that began twice was run twice, also when only one of the runs was answered", () => {
	const log = [
		line("abcdef-1", "begun"),
		line("abcdef-2", "begun"),
		line("abcdef-1", "begun"),
		line("abcdef-1", "200"),
		line("abcdef-2", "200"),
	];
	expect(runTwice([sample("abcdef-1", 0), sample("abcdef-2", 0)], log.join("\n"))).toBe(1);
});

test("a log that lacks an answered request proves nothing, and is refused; a failed one need not be there", () => {
	expect(() => runTwice([sample("abcdef-1", 0)], "")).toThrow("lacks 1 answered requests, abcdef-1 among them");
	expect(runTwice([sample("abcdef-1", 0, 502)], "")).toBe(0);
});

test("the figures of a phase count every request that overlaps it", () => {
	const samples = [sample("a", 0), sample("b", 150, 502), sample("c", 250), sample("d", 500)];
	expect(figures(samples, 200, 400)).toMatchObject({ total: 2, failed: 1, problems: ["HTTP 502"] });
});
