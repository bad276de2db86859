import { expect, test } from "vitest";
import { healthcheck } from "../../../../providers/service/healthcheck.ts";
import { serviceInputs } from "./inputs.ts";

/* The command itself runs in test/unit/health/. */

const check = (change: object) => {
	const inputs = serviceInputs();
	return healthcheck({ ...inputs, health: { ...inputs.health, ...change } }) as { Test: string[] } & Record<string, unknown>;
};

test("Docker kills no check before its own limit has passed", () => {
	expect(check({ timeoutSeconds: 7 })).toMatchObject({ Interval: 1e9, StartInterval: 1e9, Timeout: 18e9, Retries: 4, StartPeriod: 300e9 });
});

test("what is asked for is handed over as words, and stands in no script", () => {
	const [plain, hostile] = [check({}).Test, check({ path: "/$(id)'", host: "a;b", status: [200, 204] }).Test];
	const scripts = (words: string[]) => words.filter((word) => word.includes("\n"));
	expect(scripts(hostile)).toEqual(scripts(plain));
	expect(hostile.slice(-4)).toEqual(["/$(id)'", "a;b", "200", "204"]);
	expect(hostile.slice(0, 4)).toEqual(["CMD", "/.scaleout/busybox", "sh", "-c"]);
});
