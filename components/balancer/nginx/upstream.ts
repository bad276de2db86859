import type { NginxSettings } from "../../settings/nginx.ts";

/* The part of NGINX's configuration that names a service's nodes, and says how requests are distributed to them. */

/** NGINX's settings without sites and upstream names. */
export type BalancingSettings = Omit<NginxSettings, "sites" | "upstreams">;
type Nginx = BalancingSettings;

/** One server of an upstream. */
export interface UpstreamServer {
	/** The host's first name, for people who read the file. */
	name: string;
	address: string;
	/** Default 1. */
	weight?: number | undefined;
}

/** A service's nodes. */
export interface UpstreamNodes {
	name: string;
	/** Published port of the service on its nodes. */
	port: number;
	servers: UpstreamServer[];
}

/** First version of NGINX open source that supports the method. */
export const methodSince: Record<Nginx["method"], string> = {
	round_robin: "0.0.0",
	least_conn: "1.3.1",
	ip_hash: "0.0.0",
	hash: "1.7.2",
	random: "1.15.1",
	least_time: "1.31.0",
};

/** A setting, as written in the configuration, and the first version of NGINX that supports it. */
export interface Requirement {
	setting: string;
	since: string;
	remedy: string;
}

/** What the host's NGINX must support. */
export function requirements({ method, sticky }: Nginx): Requirement[] {
	const needed = [{ setting: `nginx.method = ${method}`, since: methodSince[method], remedy: "choose another method" }];
	if (sticky) needed.push({ setting: "nginx.sticky", since: "1.29.6", remedy: "use method hash or ip_hash" });
	return needed;
}

/** The block with a service's nodes. `isOnly`: the cookie has the configured name; with several upstreams each has its own. Pure. */
export function upstreamBlock(nginx: BalancingSettings, { name, port, servers }: UpstreamNodes, isOnly: boolean): string {
	return block(`upstream ${name}`, [
		...methodLines(nginx),
		...stickyLines(nginx, isOnly ? "" : `_${name}`),
		...servers.map((server) => serverLine(server, port, nginx)),
		...keptLines(nginx),
	]);
}

/**
 * A line only for some versions of NGINX. The version is known only on the host, so the line carries its condition. The script that installs the file
 * leaves the line out if the condition does not hold: see `for_this_version` in host/steps/nginx/site.sh.
 */
export function onlyIf(comparison: "lt" | "ge", version: string, line: string): string {
	return `${line} # nginx ${comparison} ${version}`;
}

export function block(head: string, lines: string[]): string {
	return `${head} {\n${lines.map((line) => `    ${line}\n`).join("")}}\n`;
}

/**
 * Connections to the nodes are kept, and end by themselves, so a node that refuses new ones soon has none left. Before 1.19.10 they would last as
 * long as requests come.
 */
function keptLines({ keepalive }: Nginx): string[] {
	// Since this version connections are kept by default; older ones do not support 0.
	if (keepalive === 0) return [onlyIf("ge", "1.29.7", "keepalive 0;")];
	return [`keepalive ${keepalive};`, `keepalive_time ${kept.seconds}s;`, `keepalive_timeout ${kept.idleSeconds}s;`].map((line) =>
		onlyIf("ge", "1.19.10", line),
	);
}

/** A kept connection takes requests for `seconds`, and ends after `idleSeconds` without one. */
const kept = { seconds: 2, idleSeconds: 1 };

function methodLines({ method, hashKey }: Nginx): string[] {
	switch (method) {
		case "round_robin":
			return [];
		case "hash":
			return [`hash ${hashKey} consistent;`];
		case "least_time":
			return ["least_time header;"];
		default:
			return [`${method};`];
	}
}

/** Comes after the method, which balances clients without a cookie. */
function stickyLines({ sticky, tls }: Nginx, suffix: string): string[] {
	if (!sticky) return [];
	const expires = sticky.expiresSeconds ? ` expires=${sticky.expiresSeconds}s` : "";
	return [`sticky cookie ${sticky.cookie}${suffix}${expires} path=/ httponly samesite=lax${tls?.redirect ? " secure" : ""};`];
}

function serverLine({ name, address, weight }: UpstreamServer, port: number, nginx: Nginx): string {
	const parameters = [
		weight && weight !== 1 ? `weight=${weight}` : "",
		`max_fails=${nginx.maxFails}`,
		`fail_timeout=${nginx.failTimeoutSeconds}s`,
	];
	return `server ${address}:${port} ${parameters.filter(Boolean).join(" ")}; # ${name}`;
}
