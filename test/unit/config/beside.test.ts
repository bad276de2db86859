import { describe, expect, test } from "vitest";
import { topologySchema } from "../../../config/schema.ts";
import type { Fault } from "../../../lib/fault.ts";
import { isFaultOf, put, schemaPaths } from "../../support/schemaPaths.ts";
import { faultsOf, labConfig, prodConfig, type Raw, was } from "../fixtures.ts";

/* One report of all faults: of form, and by the rules between keys. */

const propertiesOf = (spoil: (config: Raw) => void) => {
	const config = labConfig();
	spoil(config);
	return faultsOf(config).map(({ property }) => property);
};

describe("a value of a wrong form hides no rule", () => {
	test.each<[string, (config: Raw) => void, string[]]>([
		[
			"a host's name",
			(c) => {
				c.hosts[1].name = "Worker 1";
				c.hosts[3].address = c.hosts[2].address;
				was(c).replicas = 7;
			},
			["hosts[1].name", "hosts[3].address", "services.babble-was.replicas"],
		],
		[
			"a role, and an unknown key",
			(c) => {
				c.hosts[4].roles = ["ngnix"];
				c.nginx.metod = "hash";
				c.logs = { path: "/etc/logs" };
			},
			["hosts[4].roles[0]", "nginx.metod", "logs.path"],
		],
		[
			"a number, a text and a section",
			(c) => {
				was(c).publish.published = 70000;
				was(c).rollout = { order: ["nobody"] };
				c.registry = "x";
				c.nginx.weights = { nobody: 2 };
			},
			["services.babble-was.publish.published", "registry", "services.babble-was.rollout.order[0]", "nginx.weights.nobody"],
		],
	])("%s", (_what, spoil, properties) => {
		expect(propertiesOf(spoil).sort()).toEqual(properties.sort());
	});
});

describe("nothing else is called wrong for a value of a wrong form", () => {
	const wrong = [null, "", "§", -1, 1e12, true, {}, [], [1], { a: 1 }];
	test.each(schemaPaths().map((place) => [place.name, place] as const))("%s", (_name, place) => {
		for (const base of [labConfig(), prodConfig()]) {
			for (const value of wrong) {
				const config = put(structuredClone(base), place.steps, value);
				// A section that is put there for the value has rules of its own.
				if (!isThere(base, config)) continue;
				// What has the right form may break rules elsewhere.
				if (topologySchema.safeParse(config).success) continue;
				const isOwn = ({ property, remedy }: Fault) =>
					isFaultOf(place, property) ||
					property.startsWith(`${place.name}.`) ||
					// A name of a map that is wrong, or a section of a list that has nothing else yet.
					(place.name.includes(".*") && property.startsWith(place.name.split("*")[0] as string)) ||
					remedy.startsWith("is missing: give ");
				expect(faultsOf(config).filter((fault) => !isOwn(fault))).toEqual([]);
			}
		}
	});

	/** Whether both have the same sections. */
	function isThere(base: Raw, config: Raw): boolean {
		if (config === null || typeof config !== "object" || Array.isArray(config)) return true;
		return Object.entries(config).every(
			([key, value]) => value === null || typeof value !== "object" || (key in base && isThere(base[key], value)),
		);
	}
});
