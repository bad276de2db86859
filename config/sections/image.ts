import { z } from "zod";
import { environmentName, secretValue } from "./values.ts";

export const registry = z.strictObject({
	server: z
		.string()
		.min(1)
		.optional()
		.describe("Registry host, with port when not 443. Default: the host with role `registry`, port 5000; without one, Docker Hub."),
	username: z
		.string()
		.regex(/^[\w.@+-]+$/)
		.default("pusher")
		.describe("User who may push and pull."),
	password: secretValue.optional().describe("Its password. Default on a registry of this stack: generated, kept in the state as a secret."),
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
			"Root file system archive (tar.gz) imported as `args.BASE_IMAGE` before the build. `cache:java` is the one of `npm run lab:prepare`.",
		),
});

export const image = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, "use a repository name without registry and tag")
		.default("2021babble/babble-was")
		.describe("Repository, without registry and tag."),
	tag: z
		.string()
		.regex(/^[\w][\w.-]{0,127}$/)
		.default("latest")
		.describe("Tag to build or run. It is resolved to a digest, and the digest is what runs."),
	pin: z
		.string()
		.regex(/^sha256:[0-9a-f]{64}$/, "use sha256: and 64 hexadecimal digits")
		.optional()
		.describe("Digest to run instead of the tag's: the way back to an older image."),
	build: build.optional().describe("Build and push it. Without: it must be in the registry."),
});
