import { scriptText } from "../host/kit.ts";
import type { Connection } from "../lib/connection.ts";
import { execAsRoot } from "../lib/ssh.ts";

/* The kind of load balancer, for status, diagram and summary. No other file in this directory knows it. */

/** The state of the load balancer, as seen on its host. */
export interface BalancerState {
	isActive: boolean;
	version: string;
	/** `address:port` of each server that it balances over, on the services' ports. */
	servers: string[];
	/** The wanted servers that its host cannot connect to. */
	unconnected: string[];
}

export const balancer = {
	name: "NGINX",

	/** @param wanted `address:port` of the servers that it should balance over. */
	async look(connection: Connection, wanted: string[]): Promise<BalancerState> {
		const [active, version = "", ...lines] = (await execAsRoot(connection, scriptText("status/nginx", { servers: wanted }))).split("\n");
		const text = lines.join("\n");
		const ports = new Set(wanted.map((server) => server.split(":").at(-1)));
		const servers = [...text.matchAll(/^\s*server\s+([\d.]+:\d+)/gm)].map(([, server]) => server as string);
		return {
			isActive: active === "active",
			version: version.replace(/.*nginx\//, ""),
			// The same NGINX may serve other sites, too.
			servers: servers.filter((server) => ports.has(server.split(":").at(-1))),
			unconnected: [...text.matchAll(/^unconnected (\S+)$/gm)].map(([, server]) => server as string),
		};
	},
};
