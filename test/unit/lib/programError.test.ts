import { inspect } from "node:util";
import { RunError } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { PolicyError } from "../../../components/sources/aws/policy.ts";
import { ConfigError } from "../../../lib/fault.ts";
import { ProgramError } from "../../../lib/programError.ts";

const fault = { property: "nginx.method", value: "fastest", remedy: "use another one" };

test.each([
	["of the program", new ProgramError("nginx.method: use another one")],
	["of a configuration", new ConfigError([fault])],
	["by the security policy", new PolicyError("instance", [fault])],
])("a refusal %s is shown without a stack trace, and Node has nothing to trip over when the engine has it described", (_name, refusal) => {
	expect(RunError.isInstance(refusal)).toBe(true);
	expect(refusal.message).toContain("use another one");
	expect(refusal.stack).toBeUndefined();
	expect(inspect(refusal, { colors: true })).not.toMatch(/^ +at /m);
});
