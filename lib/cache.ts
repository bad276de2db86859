import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/*
 * What is slow to build (the root image, the Java base image, the example's jar) is in a cache outside the tree. Each name contains a hash of the source
 * files, so a change builds a new version, and everything else is reused.
 */

const project = path.resolve(import.meta.dirname, "..");

/** Directory with root.ext4, vmlinuz and initrd.img. */
export const rootImageDirectory = () => cached("root-image", "lab/image");
/** Archive of the Java base image's root file system, for `docker import`. */
export const javaArchive = () => `${cached("java", "lab/java")}.tar.gz`;
/** Build context of the example service: Dockerfile and jar. */
export const exampleContext = () => cached("example-was", "example/was");

const cached = (name: string, source: string) => inCache(`${name}-${contentHash(path.join(project, source))}`);

/** Path of a cache entry. `name` must identify everything the entry is made from. */
export function inCache(name: string): string {
	const root = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
	return path.join(root, "swarm-scaleout", name);
}

function contentHash(directory: string): string {
	const hash = createHash("sha256");
	const files = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const names = files.map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).sort();
	for (const name of names)
		hash
			.update(`${name}\0`)
			.update(fs.readFileSync(path.join(directory, name)))
			.update("\0");
	return hash.digest("hex").slice(0, 12);
}
