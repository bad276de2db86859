import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../lib/connection.ts";
import { HostCheck } from "../../providers/host/resource.ts";
import { type Host, owner, withScripts } from "../host.ts";
import { aliasesOf } from "../hostNames.ts";
import type { HostSettings } from "../settings/hosts.ts";
import type { Source } from "./source.ts";

/** A host that exists. */
export interface ExistingHost extends Pick<HostSettings, "name" | "aliases" | "roles" | "address" | "lost"> {
	/** How it is logged in to. */
	connection: Connection;
}

/** Hosts that exist, by an inventory. They are never created or deleted, only what is put on them. */
export function existingSource({ hosts }: { hosts: ExistingHost[] }): Source {
	return { hosts: (name, parent) => hosts.map((host, i) => existingHost(name, host, i, parent)) };
}

function existingHost(source: string, host: ExistingHost, i: number, parent: pulumi.Resource): Host {
	const { name, aliases, roles, address, lost: isLost, connection: plain } = host;
	const connection = pulumi.secret(plain);
	const of = (host: string) => `${source}-${host}-check`;
	const check = new HostCheck(
		of(name),
		{ host: name, property: `hosts[${i}]`, connection, owner: owner(), roles },
		{ parent, aliases: aliasesOf(host, of) },
	);
	const reach = (port: number) => ({ address, port });
	return withScripts(source, { name, aliases, roles, address, reach, connection, user: plain.user, isLost }, check, undefined, parent);
}
