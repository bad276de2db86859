import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Fault } from "../lib/fault.ts";

/** A path of the machine that runs `pulumi`: `~/` is the home directory. */
export function operatorPath(file: string): string {
	return file.replace(/^~(?=\/)/, os.homedir());
}

/** A file of the machine that runs `pulumi`; `~/` is its home directory. One that cannot be read is noted as a fault, and empty. */
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
