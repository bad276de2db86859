/* Made from config/sections by `npm run docs`: change it there. */

/**
 * What runs.
 */
export interface ImageSettings {
	/**
	 * Repository, without registry and tag.
	 */
	name: string;
	/**
	 * Tag to build or run. It is resolved to a digest, and the digest is what runs.
	 *
	 * @default "latest"
	 */
	tag: string;
	/**
	 * Who asks the registry for the tag's digest. `operator`: the machine that runs `pulumi`, at every preview and up, so that a tag that moved is a change in the preview. `manager`: a manager, when the service is updated for another reason; for a registry that only the nodes reach. Default: `operator`; `manager` on a registry of this stack. Without effect on an image that is built or pinned.
	 */
	resolve?: "operator" | "manager";
	/**
	 * Digest to run instead of the tag's: the way back to an older image.
	 */
	pin?: string;
	/**
	 * Build and push it. Without: it must be in the registry.
	 */
	build?: {
		/**
		 * Build context, relative to the project.
		 */
		context: string;
		/**
		 * Dockerfile, relative to the context.
		 *
		 * @default "Dockerfile"
		 */
		dockerfile: string;
		/**
		 * Build arguments.
		 *
		 * @default {}
		 */
		args: {
			[k: string]: string;
		};
		/**
		 * Root file system archive (tar.gz) imported as `args.BASE_IMAGE` before the build. `cache:java` is the one of `npm run lab:prepare`.
		 */
		baseArchive?: string;
	};
}
