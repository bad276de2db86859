import type { Fault } from "../lib/fault.ts";
import type { SecretValue } from "./sections/values.ts";

/** The plain value of a secret. If its environment variable is not set: empty, and a fault is added. */
export function readSecret(value: SecretValue, property: string, faults: Fault[]): string {
	if (typeof value === "string") return value;
	const { fromEnvironment: name } = value;
	const found = process.env[name];
	if (!found) faults.push({ property, remedy: `the environment variable ${name} is not set: set it where pulumi runs` });
	return found ?? "";
}
