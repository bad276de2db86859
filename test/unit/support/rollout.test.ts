import { expect, test } from "vitest";
import { eventsOf, newVersion } from "../../support/rollout.ts";

test("a version's events are told apart by host, from those of other versions and from requests", () => {
	const log = [
		"2026-01-01T00:00:00.000+09:00 v1 worker1 JVM start - - 3",
		"2026-01-01T00:00:01.000+09:00 v1 worker1 POST /JVM abcdef-1 begun 0",
		"2026-01-01T00:00:02.000+09:00 v2 worker1 JVM start - - 3",
		"2026-01-01T00:00:03.000+09:00 v1 worker2 JVM start - - 3",
		"2026-01-01T00:00:04.000+09:00 v1 worker1 JVM stop - - 4000",
		"",
	].join("\n");
	expect(eventsOf(log, "v1")).toEqual({ worker1: ["start", "stop"], worker2: ["start"] });
});

test("no version has the name of another", () => {
	expect(newVersion("good")).not.toBe(newVersion("good"));
});
