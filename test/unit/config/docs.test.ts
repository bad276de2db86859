import * as fs from "node:fs";
import { expect, test } from "vitest";
import { configurationReference, topologyPage } from "../../../config/docs.ts";

test("docs/configuration.md says what the schema says: npm run docs writes it anew", () => {
	expect(fs.readFileSync("docs/configuration.md", "utf8")).toBe(configurationReference());
});

test("docs/topology.md is the picture of Pulumi.prod.yaml: npm run docs writes it anew", () => {
	expect(fs.readFileSync("docs/topology.md", "utf8")).toBe(topologyPage());
});
