import { z } from "zod";
import { environmentName, secretValue } from "./values.ts";

export const registry = z.strictObject({
	server: z
		.string()
		.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i, "use a host name or address, with :port when not 443, without https:// and path")
		.optional()
		.describe(
			"Registry host, with port when not 443. Default: the host with role `registry`, port 5000; without one, Docker Hub. " +
				"`<account>.dkr.ecr.<region>.amazonaws.com` is ECR: login by short-lived tokens, which the managers renew.",
		),
	username: z
		.string()
		.regex(/^[\w.@+][\w.@+-]*$/, "use letters, digits and . _ @ + -, not starting with -")
		.optional()
		.describe("User who may push and pull. Default on a registry of this stack: `pusher`. Not for ECR."),
	password: secretValue
		.optional()
		.describe(
			"The user's password or access token. Default on a registry of this stack: generated, and kept in the state as a secret. Not for ECR. A change applies to tasks that start later, and restarts none.",
		),
	ca: z
		.string()
		.includes("BEGIN CERTIFICATE", { error: "use a certificate in PEM form, -----BEGIN CERTIFICATE----- and so on" })
		.optional()
		.describe(
			"Certificate, in PEM form, of the CA that signed the registry's certificate. Every swarm node trusts it for this registry at once.",
		),
	caFile: z.string().min(1).optional().describe("The same as a file where `pulumi` runs."),
});

const build = z.strictObject({
	context: z.string().min(1).describe("Build context, relative to the project."),
	dockerfile: z.string().min(1).default("Dockerfile").describe("Dockerfile, relative to the context."),
	args: z.record(environmentName, z.string()).default({}).describe("Build arguments."),
	baseArchive: z
		.string()
		.min(1)
		.optional()
		.describe(
			"Root file system archive (tar.gz), imported as `args.BASE_IMAGE` before the build. `cache:java` is the archive from `npm run lab:prepare`.",
		),
});

export const image = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, "use a repository name without registry and tag")
		.describe("Repository, without registry and tag."),
	tag: z
		.string()
		.regex(/^[\w][\w.-]{0,127}$/, "use at most 128 letters, digits and _ . -, starting with a letter, digit or _")
		.default("latest")
		.describe("Tag to build or run. It is resolved to a digest, and that digest runs."),
	resolve: z
		.enum(["operator", "manager"])
		.optional()
		.describe(
			"Who asks the registry for the tag's digest. `operator`: the machine that runs `pulumi`, at every preview and up, so that a moved tag shows as a change in the preview. " +
				"`manager`: a manager, but only when the service is updated for another reason; use it for a registry that only the nodes reach. Default: `operator`; `manager` on a registry of this stack. No effect on an image that is built or pinned.",
		),
	pin: z
		.string()
		.regex(/^sha256:[0-9a-f]{64}$/, "use sha256: and 64 hexadecimal digits")
		.optional()
		.describe("Digest to run instead of the tag's. Use it to go back to an older image."),
	build: build.optional().describe("Build the image and push it. Without `build` it must already be in the registry."),
});
