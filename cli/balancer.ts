import { scriptText } from "../host/kit.ts";
import type { Connection } from "../lib/connection.ts";
import { execAsRoot } from "../lib/ssh.ts";

/* The kind of load balancer, for status, diagram and summary: the one place here that knows it. */

/** What there is to see on the load balancer's host. */
export interface BalancerState {
	isActive: boolean;
	version: string;
	/** `address:port` of each server that it balances over, of the services' ports. */
	servers: string[];
	/** Those of the asked servers that its host cannot connect to. */
	unconnected: string[];
}

export const balancer = {
	name: "NGINX",

	/** @param wanted `address:port` of the servers that it is to balance over. */
	async look(connection: Connection, wanted: string[]): Promise<BalancerState> {
		const [active, version = "", ...lines] = (await execAsRoot(connection, scriptText("status/nginx", { servers: wanted }))).split("\n");
		const text = lines.join("\n");
		const ports = new Set(wanted.map((server) => server.split(":").at(-1)));
		const servers = [...text.matchAll(/^\s*server\s+([\d.]+:\d+)/gm)].map(([, server]) => server as string);
		return {
			isActive: active === "active",
			version: version.replace(/.*nginx\//, ""),
			// Others may be served there, too.
			servers: servers.filter((server) => ports.has(server.split(":").at(-1))),
			unconnected: [...text.matchAll(/^unconnected (\S+)$/gm)].map(([, server]) => server as string),
		};
	},
};
