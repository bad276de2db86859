import * as path from "node:path";
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { type Connection, sshUrl } from "../lib/connection.ts";
import { ecrRegistry } from "../lib/ecr.ts";
import { formatReference } from "../lib/imageReference.ts";
import { fileStem } from "../lib/names.ts";
import { ProgramError } from "../lib/programError.ts";
import { RegistryError, tagDigest } from "../lib/registry.ts";
import { sshOptions } from "../lib/sshOptions.ts";
import { type Host, type HostStepArgs, hostStep } from "./host.ts";
import type { Registry } from "./registry.ts";
import type { ImageSettings } from "./settings/image.ts";

export interface WasImageArgs extends ImageSettings {
	/** Registry to push the image to, or pull it from. */
	registry: Registry;
	/** The host that builds the image, with Docker. */
	builder: Host;
	/** Docker on that host. */
	provider: docker.Provider;
}

type Build = NonNullable<ImageSettings["build"]>;

/** Imported base images, by builder and by tag: several images may have the same base. */
const bases = new WeakMap<Host, Map<string, pulumi.Resource>>();

/** The service's image: built on a manager and pushed, or already in the registry. It is run by digest. */
export class WasImage extends pulumi.ComponentResource {
	/** `server/name@sha256:…`, or `server/name:tag` if a manager is to resolve the tag. */
	readonly reference: pulumi.Output<string>;

	constructor(name: string, args: WasImageArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:WasImage", name, {}, opts);
		const { registry, tag, pin, build } = args;
		const repository = `${registry.server === "docker.io" ? "" : `${registry.server}/`}${args.name}`;
		const tagged = formatReference({ repository, tag });
		const resolve = args.resolve ?? (registry.isOwn ? "manager" : "operator");
		const latest = build
			? this.#build(name, build, tagged, args)
			: pulumi.output(pin || resolve === "manager" ? tagged : resolved(`services.${name}.image`, args, repository, registry));
		this.reference = pin ? pulumi.output(formatReference({ repository, digest: pin })) : latest;
		this.registerOutputs({ reference: this.reference });
	}

	#build(name: string, build: Build, tagged: string, { registry, builder, provider }: WasImageArgs): pulumi.Output<string> {
		const { context, baseArchive } = build;
		const base = baseArchive ? [this.#importBase(baseArchive, build, builder)] : [];
		const built = new docker.Image(
			name,
			{
				imageName: tagged,
				build: {
					context,
					dockerfile: path.join(context, build.dockerfile),
					args: build.args,
					platform: "linux/amd64",
					builderVersion: docker.BuilderVersion.BuilderV1,
				},
				registry: { server: registry.server, username: registry.username, password: registry.password },
			},
			{ parent: this, provider, dependsOn: [...registry.ready, ...base], replacementTrigger: registry.storage },
		);
		return built.repoDigest;
	}

	/** Imports the base image's file system on the builder, where the build finds it by its tag. The tag names the resource, whatever other images exist. */
	#importBase(archive: string, build: Build, manager: Host): pulumi.Resource {
		const tag = build.args.BASE_IMAGE as string;
		const onHost = bases.get(manager) ?? new Map<string, pulumi.Resource>();
		bases.set(manager, onHost);
		const known = onHost.get(tag);
		if (known) return known;
		const name = `base-image-${fileStem(tag)}`;
		const remotePath = `/var/tmp/${fileStem(tag)}-${fileStem(path.basename(archive))}`;
		const copied = new command.remote.CopyToRemote(
			`${name}-archive`,
			{
				connection: manager.connection,
				source: new pulumi.asset.FileAsset(archive),
				remotePath,
				// A changed connection alone copies nothing. On another machine the archive must be copied again.
				triggers: [manager.machine?.id ?? manager.address],
			},
			{ parent: this, dependsOn: [manager.ready], deletedWith: manager.machine },
		);
		const step: HostStepArgs = {
			step: "image/base",
			settings: { archive: remotePath, tag },
			// If the archive is copied again, it is imported again.
			because: { copied: copied.id },
		};
		const imported = hostStep(name, manager, step, { parent: this, dependsOn: [copied] });
		onHost.set(tag, imported);
		return imported;
	}
}

/**
 * The image by its tag's present digest. The registry is asked at every run of the program, also at preview: so a moved tag shows as a change of the
 * service. While the password is not known yet, the digest is unknown.
 */
function resolved(
	property: string,
	{ name, tag }: Pick<ImageSettings, "name" | "tag">,
	repository: string,
	registry: Registry,
): pulumi.Output<string> {
	const { server, username, ca } = registry;
	const digest = pulumi.output(registry.password).apply((password) =>
		tagDigest({ server, username, password, ca }, name, tag).catch((error) => {
			if (!(error instanceof RegistryError)) throw error;
			throw new ProgramError(describeFault(error, { property, name, tag, server, username, hasPassword: !!password }));
		}),
	);
	return pulumi.unsecret(digest.apply((found) => formatReference({ repository, digest: found })));
}

interface Asked {
	/** The image's path in the configuration. */
	property: string;
	name: string;
	tag: string;
	server: string;
	username: string;
	hasPassword: boolean;
}

/** Property, value and remedy if the registry does not return the digest. Pure. */
export function describeFault({ fault, message }: RegistryError, { property, name, tag, server, username, hasPassword }: Asked): string {
	switch (fault) {
		case "missing":
			return `${property}.tag = "${tag}": the registry has no such image (${message}): push it, or correct name and tag`;
		case "login":
			if (ecrRegistry(server))
				return `registry.server = "${server}": ECR refuses the token (${message}): it may be over, then run pulumi again; else give who runs pulumi ecr:BatchGetImage on the repository`;
			if (hasPassword)
				return `registry.password: the registry refuses user "${username}" (${message}): check registry.username, registry.password and that the user may read ${name}`;
			return `${property}.name = "${name}": the registry does not give it without login (${message}): check the name, or set registry.username and registry.password`;
		case "certificate":
			return `registry.server = "${server}": its certificate is not trusted (${message}): give its CA's in registry.caFile`;
		default:
			return `registry.server = "${server}": it does not answer (${message}): check the address; set ${property}.resolve to manager if only the nodes reach it, or ${property}.pin to go on with a digest`;
	}
}

/** A Docker provider for the daemon of a host, over SSH with the pinned host key. */
export function dockerProvider(
	name: string,
	{ connection }: { connection: pulumi.Output<Connection> },
	opts: pulumi.ResourceOptions,
): docker.Provider {
	const host = connection.apply(sshUrl);
	const sshOpts = connection.apply(sshOptions);
	return new docker.Provider(name, { host: pulumi.unsecret(host), sshOpts: pulumi.unsecret(sshOpts) }, opts);
}
