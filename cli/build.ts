import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/*
 * Builds `dist/`, which other programs import as the package: Node runs TypeScript directly, but not below `node_modules`. It also contains the files
 * that the modules read.
 */

const project = path.resolve(import.meta.dirname, "..");
const dist = path.join(project, "dist");
const read = ["host/agents", "host/steps", "host/container", "lab/image", "lab/java", "example/was"];

fs.rmSync(dist, { recursive: true, force: true });
execFileSync(path.join(project, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json"], { cwd: project, stdio: "inherit" });
for (const directory of read) fs.cpSync(path.join(project, directory), path.join(dist, directory), { recursive: true });
