import { z } from "zod";
import { tls } from "./tls.ts";
import { hostName, port, routePath, upstreamName } from "./values.ts";

const bindAddress = z.union([z.ipv4(), z.ipv6()]);

export const methods = ["round_robin", "least_conn", "ip_hash", "hash", "random", "least_time"] as const;

const sticky = z.strictObject({
	cookie: z
		.string()
		.regex(/^[A-Za-z][\w-]{0,63}$/, "use letters, digits, _ and -, beginning with a letter")
		.describe("Name of the cookie."),
	expiresSeconds: z.int().min(1).max(315_360_000).optional().describe("Seconds a browser keeps the cookie. Default: until it is closed."),
});

const site = z.strictObject({
	serverName: z
		.string()
		.regex(
			/^(_|(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*)$/,
			"use a DNS name in lower case, with *. before it for all names of a domain, or _ for any",
		)
		.default("_")
		.describe("server_name."),
	routes: z
		.record(routePath, z.string())
		.default({})
		.describe(
			"Service name by path prefix. The longest matching prefix wins. The path is passed on unchanged. Without `/`, all other paths are answered with 404. Default: `/` to the stack's only service.",
		),
});

export const nginx = z.strictObject({
	method: z.enum(methods).default("least_conn").describe("Load balancing method. A change reloads NGINX."),
	hashKey: z
		.string()
		.regex(/^[\w$:./?&=-]+$/, "use variables of NGINX and letters, digits and _ : . / ? & = -, such as $request_uri")
		.optional()
		.describe("`hash` only: the key, such as $request_uri. $cookie_NAME or $remote_addr keeps a client on one node."),
	weights: z.record(hostName, z.int().min(1).max(1000)).default({}).describe("Weight by app node. Default 1."),
	sticky: sticky
		.optional()
		.describe(
			"Keep each client on the node that answered it first, by a cookie that NGINX sets. Needs NGINX 1.29.6; with an older one use `hash` or `ip_hash`.",
		),
	upstreams: z
		.record(z.string(), upstreamName)
		.default({})
		.describe("Upstream name by service. Default: the service's name, with _ for each hyphen."),
	sites: z
		.array(site)
		.min(1)
		.prefault([{}])
		.describe("Sites that NGINX serves. The stack's `endpoint` is the first site's. HTTPS is for all of them, with one certificate."),
	listen: port.default(80).describe("Port NGINX listens on."),
	bind: bindAddress.optional().describe("Address NGINX listens on. Default: all."),
	maxFails: z
		.int()
		.min(0)
		.default(5)
		.describe(
			"max_fails of each server. A request that exceeds `readTimeoutSeconds` counts as a failure of its server. With 1, two slow requests and a node that is being drained leave no server for all other requests.",
		),
	failTimeoutSeconds: z
		.int()
		.min(0)
		.default(1)
		.describe("fail_timeout of each server. With long values healthy nodes get no requests after several have failed one after another."),
	connectTimeoutSeconds: z
		.int()
		.min(1)
		.max(75)
		.default(2)
		.describe(
			"proxy_connect_timeout. If a node does not answer at all within it, NGINX tries the next one. 1 is too short for a packet that is lost and sent again.",
		),
	readTimeoutSeconds: z
		.int()
		.min(1)
		.default(60)
		.describe("proxy_read_timeout. A request that takes longer is answered with 504, and is not sent to another node."),
	keepalive: z
		.int()
		.min(0)
		.max(10_000)
		.default(64)
		.describe(
			"Idle connections to the nodes that each NGINX worker keeps. A kept one takes requests for 2 seconds and is closed after 1 idle second. So a node that is taken out has none left after 3 seconds and a request. 0: none is kept, and local ports run out at about 470 requests per second to a node. Use 0 where the application itself ends idle connections within 2 seconds, which can make a POST fail. NGINX before 1.19.10 keeps none.",
		),
	maintenance: z
		.boolean()
		.default(false)
		.describe("Answer everything with a 503 page. Switched without a reload: requests in flight end normally."),
	retryAfterSeconds: z.int().min(1).default(120).describe("Retry-After of the 503 page."),
	clientMaxBodyMiB: z.int().min(0).default(10).describe("client_max_body_size; 0 is no limit."),
	requestBuffering: z
		.boolean()
		.default(true)
		.describe(
			"proxy_request_buffering. On: NGINX reads the whole body before it connects to a node, so a slow upload does not delay a drain. Off: the body is passed on as it comes. Then a GET, PUT or DELETE without a body is sent to another node if it breaks within twice `connectTimeoutSeconds` plus half a second. Either way, if a node refuses the connection, NGINX tries another one before it sends anything.",
		),
	responseHeaderKiB: z
		.int()
		.min(4)
		.max(64)
		.default(16)
		.describe(
			"proxy_buffer_size: largest size of an answer's headers, in KiB. Larger headers, as with OIDC cookies, are answered with 502.",
		),
	responseBuffering: z.boolean().default(true).describe("proxy_buffering. Off for answers that the application streams."),
	trustedProxies: z
		.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
		.default([])
		.describe(
			"Addresses and networks of proxies in front of NGINX. Only their X-Forwarded-For, -Proto and -Host are trusted; those from anyone else are replaced.",
		),
	adopt: z
		.array(
			z
				.string()
				.regex(/^\/etc\/nginx\/(conf\.d|sites-enabled)\/[\w-][\w.-]*$/, "use files in /etc/nginx/conf.d or /etc/nginx/sites-enabled"),
		)
		.default([])
		.describe(
			"Files of NGINX made by other means, such as /etc/nginx/conf.d/was.conf, that the stack's own file replaces, see docs/existing.md. A file with settings that the configuration does not have is refused.",
		),
	tls: tls.optional().describe("HTTPS, with a certificate given here, read from files, or obtained by ACME. Without `tls`: plain HTTP."),
});
