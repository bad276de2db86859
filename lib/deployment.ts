import { spawnSync } from "node:child_process";
import type { Connection } from "./connection.ts";

/** One resource of a deployed stack. */
export interface DeployedResource {
	urn: string;
	type: string;
	id?: string;
	/** When it was created, as an ISO date. */
	created?: string;
	// biome-ignore lint/suspicious/noExplicitAny: properties are of any shape
	inputs?: any;
	// biome-ignore lint/suspicious/noExplicitAny: properties are of any shape
	outputs?: any;
}

/** All resources of a stack from its state, secrets in plain text. @throws Error with the CLI's message. */
export function deployedResources(stack: string, env: NodeJS.ProcessEnv = process.env): DeployedResource[] {
	const args = ["stack", "export", "--stack", stack, "--show-secrets", "--non-interactive"];
	const { status, stdout, stderr, error } = spawnSync("pulumi", args, { encoding: "utf8", env, maxBuffer: 256 * 1024 * 1024 });
	if (status !== 0) throw new Error(error?.message ?? stderr.trim());
	return resourcesOf(stdout);
}

/** The resources in an export. Pure. */
export function resourcesOf(exported: string): DeployedResource[] {
	return (unwrapSecrets(JSON.parse(exported)) as { deployment: { resources?: DeployedResource[] } }).deployment.resources ?? [];
}

/** Connections of the stack's hosts, by name. */
export function connectionsOf(resources: DeployedResource[]): Record<string, Connection> {
	const checks = resources.filter(({ type }) => type.endsWith(":HostBootstrap"));
	return Object.fromEntries(checks.map(({ inputs }) => [inputs.host, inputs.connection]));
}

/** The SDK's mark of a secret in JSON. */
const signature = "4dabf18193072939515e22adb298388d";

/** An exported secret is an object with its plain text as JSON. */
function unwrapSecrets(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(unwrapSecrets);
	if (value === null || typeof value !== "object") return value;
	if ("plaintext" in value && signature in value) return JSON.parse(value.plaintext as string);
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrapSecrets(item)]));
}
