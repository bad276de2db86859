import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { bootstrap, type RolePackages } from "../bootstrap.ts";
import type { Host } from "../host.ts";
import type { HostSettings } from "../settings/hosts.ts";
import type { Source } from "./source.ts";

/** An existing host. */
export interface ExistingHost extends Pick<HostSettings, "name" | "aliases" | "roles" | "address" | "lost"> {
	/** How to log in. */
	connection: Connection;
}

/** Existing hosts, from an inventory. They are never created or deleted, only what is installed on them. */
export function existingSource({ hosts }: { hosts: ExistingHost[] }): Source {
	return { hosts: (name, packages, parent) => hosts.map((host, i) => existingHost(name, host, i, packages, parent)) };
}

function existingHost(source: string, host: ExistingHost, i: number, packages: RolePackages, parent: pulumi.Resource): Host {
	const { name, aliases, roles, address, lost: isLost, connection: plain } = host;
	const connection = pulumi.secret(plain);
	const reach = (port: number) => ({ address, port });
	const found = { name, aliases, roles, address, reach, connection, user: plain.user, isLost };
	return bootstrap(source, found, { property: `hosts[${i}]`, packages }, { parent });
}
