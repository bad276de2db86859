import { sentAgainSeconds } from "../../../lib/nginx.ts";
import type { NginxSettings } from "../../settings/nginx.ts";

/*
 * Which requests NGINX may pass on to another node: only those of which nothing was sent.
 *
 * NGINX itself does not distinguish these. `proxy_next_upstream error timeout` covers a refused connection, but also a GET, PUT or DELETE that was
 * sent and then cut or too slow; only POST, PATCH and LOCK are excluded (ngx_http_upstream_next). So NGINX passes on by itself only for a moment,
 * which is enough for a node that refuses. A node that does not answer at all is noticed later. Then the request comes to a location that checks
 * `$upstream_bytes_sent`; if it is 0, the location tries the other nodes one after another.
 */

type Nginx = Pick<NginxSettings, "requestBuffering" | "connectTimeoutSeconds">;

/**
 * Milliseconds after a request's arrival in which NGINX passes on by itself, even what was sent. A refusal takes about one within a site's network; a
 * slower one is still passed on, by the location.
 */
export const windowMs = 50;

/** Most nodes that are tried one after another: NGINX allows ten internal redirects per request. */
const mostPasses = 8;

export interface PassOn {
	nginx: Nginx;
	/** The upstream's name. */
	upstream: string;
	/** Addresses with ports of the upstream's servers. */
	servers: string[];
}

/** Whether there is a location for requests that were not sent. It cannot get a body that NGINX does not buffer. */
const hasLocation = ({ nginx, servers }: PassOn) => servers.length > 1 && nginx.requestBuffering;

/** For the http block: the node to try after the last one; or the status to answer with, if the request may have reached that one. */
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

/** For a location: how long NGINX passes on by itself, and where a request goes after that. */
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

/** The location that tries the other nodes. */
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
