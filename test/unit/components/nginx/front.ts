import type { NginxFiles, NginxPaths } from "../../../../components/balancer/nginx/config.ts";
import type { UpstreamServer } from "../../../../components/balancer/nginx/upstream.ts";
import type { Topology } from "../../../../config/schema.ts";

interface Changed {
	paths: NginxPaths;
	/** Published port of the service. */
	port?: number;
	httpsPort?: number;
}

/** What NGINX's files are rendered from, of a stack with one service: all sites lead to it. */
export function frontOf(
	{ sites, upstreams: _upstreams, ...nginx }: Topology["nginx"],
	servers: UpstreamServer[],
	{ paths, port = 8080, httpsPort = 443 }: Changed,
): NginxFiles {
	const weighted = servers.map((server) => ({ weight: nginx.weights[server.name], ...server }));
	return {
		nginx,
		upstreams: [{ name: "app", port, servers: weighted }],
		sites: sites.map(({ serverName }) => ({ serverName, routes: [{ path: "/", upstream: "app" }] })),
		httpsPort,
		paths,
	};
}
