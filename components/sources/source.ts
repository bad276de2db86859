import type * as pulumi from "@pulumi/pulumi";
import type { RolePackages } from "../bootstrap.ts";
import type { Host } from "../host.ts";
import type { LogShipping } from "../logShipping.ts";

/** A place that hosts come from. */
export interface Source {
	/**
	 * Creates the hosts, or finds them, and calls `bootstrap` on each. All resources for that are children of `parent`, with names that begin with
	 * `name`.
	 *
	 * @param packages Additional packages that roles need.
	 */
	hosts(name: string, packages: RolePackages, parent: pulumi.Resource): Host[];
	/** Checks every resource of the hosts before it is created, and refuses unsafe ones. */
	policy?: pulumi.ResourceTransformation;
	/** Where the collected logs are sent. The log host has the rights for it. */
	logShipping?: LogShipping;
}
