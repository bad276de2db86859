import type * as pulumi from "@pulumi/pulumi";
import type { RolePackages } from "../bootstrap.ts";
import type { Host } from "../host.ts";
import type { LogShipping } from "../logShipping.ts";

/** A place that hosts come from. */
export interface Source {
	/**
	 * Makes the hosts, or finds them, each with what `bootstrap` does to it. What is made for it is a child of `parent`, by a name that begins with
	 * `name`.
	 *
	 * @param packages Packages that roles need besides.
	 */
	hosts(name: string, packages: RolePackages, parent: pulumi.Resource): Host[];
	/** Checks every resource of the hosts before it is created, and refuses what must not be. */
	policy?: pulumi.ResourceTransformation;
	/** Where the collected logs are sent on to, with the rights that the log host has for it. */
	logShipping?: LogShipping;
}
