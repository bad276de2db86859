import * as pulumi from "@pulumi/pulumi";
import { ConfigError, type Fault } from "./fault.ts";
import type { SecretValue } from "./sections/values.ts";

/** The plain value of a secret, marked so that the engine encrypts it. @throws ConfigError when its environment variable is not set. */
export function secretOf(value: SecretValue, property: string): pulumi.Output<string> {
	return pulumi.secret(plainSecret(value, property));
}

/** The plain value, for checks. What is made of it must be marked. @throws ConfigError when its environment variable is not set. */
export function plainSecret(value: SecretValue, property: string): string {
	const faults: Fault[] = [];
	const plain = readSecret(value, property, faults);
	if (faults.length > 0) throw new ConfigError(faults);
	return plain;
}

/** The plain value. One whose environment variable is not set is noted as a fault, and empty. */
export function readSecret(value: SecretValue, property: string, faults: Fault[]): string {
	if (typeof value === "string") return value;
	const { fromEnvironment: name } = value;
	const found = process.env[name];
	if (!found) faults.push({ property, remedy: `the environment variable ${name} is not set: set it where pulumi runs` });
	return found ?? "";
}
