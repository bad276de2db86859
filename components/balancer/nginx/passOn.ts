import { sentAgainSeconds } from "../../../lib/nginx.ts";
import type { NginxSettings } from "../../settings/nginx.ts";

/*
 * Which requests NGINX may give to another node: those of which nothing was sent.
 *
 * NGINX itself does not tell these apart: `proxy_next_upstream error timeout` covers a refused connection, but also a GET, PUT or DELETE that was
 * sent and then cut or too slow; only POST, PATCH and LOCK are spared (ngx_http_upstream_next). So NGINX passes on by itself for a moment only,
 * which is enough for a node that refuses. A node that does not answer at all is found later than that. Then the request comes to a location that
 * looks at `$upstream_bytes_sent`, and asks the other nodes one after another if it is 0.
 */

type Nginx = Pick<NginxSettings, "requestBuffering" | "connectTimeoutSeconds">;

/**
 * Milliseconds from when the request came, in which NGINX passes on by itself, also what was sent. A refusal takes about one in the network of
 * a site; one that takes longer is passed on as well, by the location.
 */
export const windowMs = 50;

/** Nodes that are asked one after another at most: NGINX allows ten internal redirects a request. */
const mostPasses = 8;

export interface PassOn {
	nginx: Nginx;
	/** Its name. */
	upstream: string;
	/** Addresses with ports of the upstream's servers. */
	servers: string[];
}

/** Whether there is a location for what was not sent. A body that NGINX does not keep cannot be given to it. */
const hasLocation = ({ nginx, servers }: PassOn) => servers.length > 1 && nginx.requestBuffering;

/** For the http block: who comes after the node that was asked last; or the status to answer with, when the request may have arrived there. */
export function passOnMap(to: PassOn): string {
	if (!hasLocation(to)) return "";
	const { upstream, servers } = to;
	const passes = Math.min(servers.length - 1, mostPasses);
	return `map "$upstream_bytes_sent|$upstream_status|$upstream_addr" $to_${upstream}_next {
    volatile;
    default 502;
    # Something was sent, and no answer came in time, or the connection broke.
    "~^[^|]*[1-9][^|]*\\|[^|]*504\\|" 504;
    "~^[^|]*[1-9]" 502;
    # All were asked.
    "~\\|(?!.*${upstream}\\b)[^|]*( : [^|]*){${passes}}$" 502;
    "~( : [^|]*){${Math.min(servers.length, mostPasses)}}$" 502;
    # None was chosen, as NGINX had taken each for failed: then the name of all stands where an address does. They are asked all the same.
    "~[|, ]${upstream}$" ${servers[0]};
${servers.map((server, i) => `    "~[|, ]${server.replaceAll(".", "\\.")}$" ${servers[(i + 1) % servers.length]};`).join("\n")}
}
`;
}

/** For a location: how long NGINX passes on by itself, and where a request goes then. */
export function passOnLines(to: PassOn): string[] {
	const { nginx, upstream, servers } = to;
	const own = ["proxy_next_upstream error timeout;"];
	if (hasLocation(to)) {
		return [
			"# Only what was never sent may go to another node: a request that reached the application is not run twice.",
			...own,
			`proxy_next_upstream_timeout ${windowMs}ms;`,
			// A location with an `error_page` does not inherit the server's.
			"error_page 503 @maintenance;",
			`error_page 502 504 = @${upstream}_next;`,
			"recursive_error_pages on;",
		];
	}
	return [...own, `proxy_next_upstream_timeout ${sentAgainSeconds(nginx, servers.length) * 1000}ms;`];
}

/** The location that asks the other nodes. */
export function passOnLocation(to: PassOn): string[] {
	if (!hasLocation(to)) return [];
	const next = `${to.upstream}_next`;
	const variable = `$to_${next}`;
	// An `error_page` of its own, so that this answer does not come here again.
	const answer = (status: number) => [
		`    if (${variable} = ${status}) {`,
		"        error_page 503 @maintenance;",
		`        return ${status};`,
		"    }",
	];
	const again = [`error_page 502 504 = @${next};`, "recursive_error_pages on;"].map((line) => `    ${line}`);
	return [`location @${next} {`, ...again, ...answer(502), ...answer(504), `    proxy_pass http://${variable};`, "}"];
}
