import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { HostCheck } from "../../providers/host/resource.ts";
import { owner, withScripts } from "../host.ts";
import { aliasesOf, checkName } from "../hostNames.ts";
import type { HostSettings } from "../settings/hosts.ts";
import type { Source } from "./source.ts";

/** A host that exists. */
export interface ExistingHost extends Pick<HostSettings, "name" | "aliases" | "roles" | "address" | "lost"> {
	/** How it is logged in to. */
	connection: Connection;
}

/** Hosts that exist, by an inventory. They are never created or deleted, only what is put on them. */
export function existingSource({ hosts }: { hosts: ExistingHost[] }): Source {
	return { hosts: (parent) => hosts.map((host, i) => existingHost(host, i, parent)) };
}

function existingHost(
	{ name, aliases, roles, address, lost: isLost, connection: plain }: ExistingHost,
	i: number,
	parent: pulumi.Resource,
) {
	const connection = pulumi.secret(plain);
	const check = new HostCheck(
		checkName(name),
		{ host: name, property: `hosts[${i}]`, connection, owner: owner(), roles },
		{ parent, aliases: aliasesOf({ name, aliases }, checkName) },
	);
	const reach = (port: number) => ({ address, port });
	return withScripts({ name, aliases, roles, address, reach, connection, user: plain.user, isLost }, check, undefined, parent);
}
