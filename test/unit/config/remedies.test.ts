import { expect, test } from "vitest";
import { put, schemaPaths } from "../../support/schemaPaths.ts";
import { faultsOf, labConfig, prodConfig, type Raw } from "../fixtures.ts";

/* Whatever is wrong with a value, its remedy is a sentence for people, and none of the library's; and nothing else is called wrong for it. */

const wrong = [undefined, null, "", " ", "§", "x".repeat(1000), -1, 0, 1.5, 1e12, Number.NaN, true, {}, [], [1], { a: 1 }];
const bases: Raw[] = [labConfig(), prodConfig()];

test.each(schemaPaths().map((place) => [place.name, place] as const))("%s", (_name, place) => {
	for (const base of bases) {
		for (const value of wrong) {
			for (const { property, remedy } of faultsOf(put(structuredClone(base), place.steps, value))) {
				expect(remedy, property).not.toMatch(/\b(Invalid|Too|expected|must match|received|pattern)\b|nonoptional|undefined|NaN/);
				expect(remedy, property).toMatch(/\w+ \w+/);
			}
		}
	}
});
