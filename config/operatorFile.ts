import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Fault } from "../lib/fault.ts";

/** A path on the machine that runs `pulumi`: `~/` is the home directory. */
export function operatorPath(file: string): string {
	return file.replace(/^~(?=\/)/, os.homedir());
}

/** The content of a file on the machine that runs `pulumi`; `~/` is the home directory. If it cannot be read: empty, and a fault is added. */
export function readOperatorFile(file: string, property: string, remedy: string, faults: Fault[]): string {
	try {
		return fs.readFileSync(operatorPath(file), "utf8");
	} catch (error) {
		faults.push({
			property,
			value: path.normalize(file),
			remedy: `cannot be read (${(error as NodeJS.ErrnoException).code}): ${remedy}`,
		});
		return "";
	}
}
