import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../lib/fault.ts";

/** Shows a warning for what is probably not intended. */
export function warn({ property, value, remedy }: Fault): void {
	void pulumi.log.warn(`${property}${value === undefined ? "" : ` = ${JSON.stringify(value)}`}: ${remedy}`);
}
