import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { exampleContext, javaArchive, rootImageDirectory } from "../lib/cache.ts";

/*
 * Makes what local machines and the example need, once: distribution packages, the root image, the Java base image, the example's jar.
 * The second run finds everything in the cache.
 */

const packages = {
	"qemu-system-x86_64": "qemu-system-x86",
	"qemu-img": "qemu-utils",
	mmdebstrap: "mmdebstrap",
	mke2fs: "e2fsprogs",
	ssh: "openssh-client",
	javac: "openjdk-17-jdk-headless",
};

installMissing();
// Each script writes to a temporary place first: an interrupted build leaves nothing that looks finished.
make("root image of the local machines (about two minutes)", rootImageDirectory(), "lab/image/build-root-image.sh");
make("Java base image", javaArchive(), "lab/java/build-base-image.sh");
make("example service", exampleContext(), "example/was/build.sh");

function make(what: string, result: string, script: string): void {
	if (fs.existsSync(result)) return;
	process.stderr.write(`making the ${what}…\n`);
	fs.mkdirSync(path.dirname(result), { recursive: true });
	const part = `${result}.part`;
	fs.rmSync(part, { recursive: true, force: true });
	const log = `${result}.log`;
	const output = fs.openSync(log, "w");
	const { status } = spawnSync("bash", [path.resolve(import.meta.dirname, "..", script), part], { stdio: ["ignore", output, output] });
	if (status !== 0) {
		process.stderr.write(`${script} failed:\n${fs.readFileSync(log, "utf8").split("\n").slice(-20).join("\n")}\nthe whole log: ${log}\n`);
		process.exit(1);
	}
	fs.renameSync(part, result);
}

function installMissing(): void {
	const missing = Object.entries(packages)
		.filter(([program]) => spawnSync("which", [program]).status !== 0)
		.map(([, name]) => name);
	if (missing.length === 0) return;
	if (process.getuid?.() !== 0) {
		process.stderr.write(`local machines need ${missing.join(", ")}: install them, or run this as root\n`);
		process.exit(1);
	}
	process.stderr.write(`installing ${missing.join(", ")}…\n`);
	const apt = (...args: string[]) =>
		execFileSync("apt-get", ["-qq", ...args], {
			stdio: ["ignore", "ignore", "inherit"],
			env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
		});
	apt("update");
	apt("install", "-y", "--no-install-recommends", ...missing);
}
