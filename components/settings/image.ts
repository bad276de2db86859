/* Made from config/sections by `npm run docs`: change it there. */

/**
 * The image to run.
 */
export interface ImageSettings {
	/**
	 * Repository, without registry and tag.
	 */
	name: string;
	/**
	 * Tag to build or run. It is resolved to a digest, and that digest runs.
	 *
	 * @default "latest"
	 */
	tag: string;
	/**
	 * Who asks the registry for the tag's digest. `operator`: the machine that runs `pulumi`, at every preview and up, so that a moved tag shows as a change in the preview. `manager`: a manager, but only when the service is updated for another reason; use it for a registry that only the nodes reach. Default: `operator`; `manager` on a registry of this stack. No effect on an image that is built or pinned.
	 */
	resolve?: "operator" | "manager" | undefined;
	/**
	 * Digest to run instead of the tag's. Use it to go back to an older image.
	 */
	pin?: string | undefined;
	/**
	 * Build the image and push it. Without `build` it must already be in the registry.
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
		 * Root file system archive (tar.gz), imported as `args.BASE_IMAGE` before the build. `cache:java` is the archive from `npm run lab:prepare`.
		 */
		baseArchive?: string | undefined;
	} | undefined;
}
