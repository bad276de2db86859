import * as fs from "node:fs";
import { expect, test } from "vitest";
import { configurationReference, securityPage, topologyPage } from "../../../cli/docs.ts";
import { failedStepPage } from "../../docs/failedStep.ts";

test("docs/configuration.md says what the schema says: npm run docs writes it again", () => {
	expect(fs.readFileSync("docs/configuration.md", "utf8")).toBe(configurationReference());
});

test("docs/topology.md is the picture of Pulumi.prod.yaml: npm run docs writes it again", () => {
	expect(fs.readFileSync("docs/topology.md", "utf8")).toBe(topologyPage());
});

test("docs/failed-step.md is what steps print that fail: npm run docs writes it again", () => {
	expect(fs.readFileSync("docs/failed-step.md", "utf8")).toBe(failedStepPage());
});

test("docs/security.md says what the steps say they write: npm run docs writes it again", () => {
	expect(fs.readFileSync("docs/security.md", "utf8")).toBe(securityPage());
});
