/** An image as Docker names it, such as `registry.example.com:5000/team/was:1.4@sha256:…`. */
export interface ImageReference {
	/** Registry, with port, and name. */
	repository: string;
	tag?: string | undefined;
	/** `sha256:` and 64 hexadecimal digits. */
	digest?: string | undefined;
}

/** Reads a reference. A colon before the last slash belongs to the registry's port. Pure. */
export function parseReference(text: string): ImageReference {
	const [, repository = text, tag, digest] = /^(.+?)(?::([^:/@]*))?(?:@([^@]*))?$/.exec(text) ?? [];
	return { repository, tag, digest };
}

/** The text of a reference. Pure. */
export function formatReference({ repository, tag, digest }: ImageReference): string {
	return `${repository}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/** The reference with this digest, which decides what runs, and without the tag, which does not. Pure. */
export function byDigest(text: string, digest: string): string {
	return formatReference({ repository: parseReference(text).repository, digest });
}

/** The reference without a meaningless tag: beside a digest, a tag says nothing about what runs. Pure. */
export function withoutTag(text: string): string {
	const { repository, tag, digest } = parseReference(text);
	return formatReference({ repository, tag: digest ? undefined : tag, digest });
}
