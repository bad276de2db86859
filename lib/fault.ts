import { printable } from "./printable.ts";
import { ProgramError } from "./programError.ts";

/** One fault of the configuration. */
export interface Fault {
	/** Path of the property: `hosts[2].address`. */
	property: string;
	/** The offending value as written; absent when there is none or it may be secret. */
	value?: unknown;
	/** What is wrong, and what to write instead. */
	remedy: string;
}

/** Each fault once: a file that several properties name is read, and found faulty, for each. */
export const distinct = (faults: Fault[]): Fault[] => [
	...new Map(faults.map((fault) => [`${fault.property} ${fault.remedy}`, fault])).values(),
];

/** All faults at once, so that one edit can correct all. */
export class ConfigError extends ProgramError {
	readonly faults: Fault[];
	constructor(faults: Fault[]) {
		super(`the configuration has ${faults.length} fault${faults.length === 1 ? "" : "s"}:\n${faults.map(describeFault).join("\n")}`);
		this.name = "ConfigError";
		this.faults = faults;
	}
}

/** A fault as a line of an error. */
export function describeFault({ property, value, remedy }: Fault): string {
	return printable(`  - ${property}${value === undefined ? "" : ` = ${JSON.stringify(value)}`}: ${remedy}`).replaceAll("\n", "\\n");
}
