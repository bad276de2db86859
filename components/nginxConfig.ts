import type { Method, Topology } from "../config/schema.ts";

/** First version of NGINX open source that knows the method. */
export const methodSince: Record<Method, string> = {
	round_robin: "0.0.0",
	least_conn: "1.3.1",
	ip_hash: "0.0.0",
	hash: "1.7.2",
	random: "1.15.1",
	least_time: "1.31.0",
};

/** One server of the upstream. */
export interface UpstreamServer {
	name: string;
	address: string;
}

/** The configuration file of the load balancer, for a conf.d directory. Pure. */
export function nginxConfig(nginx: Topology["nginx"], port: number, servers: UpstreamServer[], maintenanceFlag: string): string {
	const listen = nginx.bind ? `${nginx.bind.includes(":") ? `[${nginx.bind}]` : nginx.bind}:${nginx.listen}` : `${nginx.listen}`;
	return `# Made by Pulumi: a change by hand is undone by the next update.
upstream ${nginx.upstream} {
${methodLines(nginx)
	.map((line) => `    ${line}\n`)
	.join("")}${servers.map((server) => `    ${serverLine(server, port, nginx)}\n`).join("")}}

map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      '';
}

server {
    listen ${listen}${nginx.serverName === "_" ? " default_server" : ""};
    server_name ${nginx.serverName};
    client_max_body_size ${nginx.clientMaxBodyMiB}m;

    # Looked at for each request, so that maintenance begins and ends without a reload.
    if (-f ${maintenanceFlag}) {
        return 503;
    }
    error_page 503 @maintenance;
    location @maintenance {
        default_type text/html;
        add_header Retry-After ${nginx.retryAfterSeconds} always;
        return 503 "<!doctype html><title>Maintenance</title><h1>Down for maintenance</h1><p>Please try again in a few minutes.</p>\n";
    }

    location / {
        proxy_pass http://${nginx.upstream};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        # No keep-alive towards the nodes: a kept connection would go on reaching a node that is being taken out.
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        # Only what was never sent may go to another node: a request that reached the application is not run twice.
        proxy_next_upstream error timeout;
        proxy_connect_timeout ${nginx.connectTimeoutSeconds}s;
        proxy_read_timeout ${nginx.readTimeoutSeconds}s;
        proxy_send_timeout ${nginx.readTimeoutSeconds}s;
    }
}
`;
}

function methodLines({ method, hashKey }: Topology["nginx"]): string[] {
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

function serverLine({ name, address }: UpstreamServer, port: number, nginx: Topology["nginx"]): string {
	const weight = nginx.weights[name];
	const parameters = [
		weight && weight !== 1 ? `weight=${weight}` : "",
		`max_fails=${nginx.maxFails}`,
		`fail_timeout=${nginx.failTimeoutSeconds}s`,
	];
	return `server ${address}:${port} ${parameters.filter(Boolean).join(" ")}; # ${name}`;
}
