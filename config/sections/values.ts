import { z } from "zod";

/* Kinds of values that several sections use. */

export const hostName = z
	.string()
	.regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "use 1 to 40 lower-case letters, digits and inner hyphens")
	// Every JavaScript object has a property of this name, which a lookup by the host's name would find.
	.refine((name) => name !== "constructor", "this name cannot be used: choose another")
	.describe("Host name, also the node's name in the swarm. A change creates another host.");
export const port = z.int().min(1).max(65535);
export const absolutePath = z
	.string()
	.regex(
		/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/,
		"use an absolute path of letters, digits and . _ / -, without . and .. as parts and without / at the end",
	);
/** Path of a request. Two slashes at its beginning would name another server. */
export const requestPath = z
	.string()
	.regex(/^\/(?!\/)[\w./?=&%-]*$/, "use a path that begins with one /, of letters, digits and . _ / ? = & % -");
/** Path prefix of a site's route. */
export const routePath = z
	.string()
	.regex(/^\/$|^(\/[\w.~-]+)+$/, "use / or a path such as /admin, of letters, digits and . _ ~ -, without / at the end");
/** Name of a service's upstream in NGINX's configuration. */
export const upstreamName = z
	.string()
	.regex(/^[a-z][a-z0-9_]{0,30}$/, "use at most 31 lower-case letters, digits and _, starting with a letter");
export const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "use letters, digits and _, not starting with a digit");

/** A secret value: encrypted config, or the name of an environment variable that holds it where `pulumi` runs (CI). */
export const secretValue = z
	.union([
		z.string().min(1, "use a string that is not empty, or {fromEnvironment: NAME}"),
		z.strictObject({ fromEnvironment: environmentName }),
	])
	.describe("Secret: encrypted config (`pulumi config set --secret --path …`) or `{fromEnvironment: NAME}`.");

export type SecretValue = z.output<typeof secretValue>;
