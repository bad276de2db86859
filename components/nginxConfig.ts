import { type PassOn, passOnLines, passOnLocation, passOnMap } from "./nginxPassOn.ts";
import { type BalancingSettings, block, onlyIf, type UpstreamNodes, upstreamBlock } from "./nginxUpstream.ts";

/* NGINX's files: a server for each site, over HTTP and over HTTPS. */

/** What the files are rendered from. */
export interface Front {
	nginx: BalancingSettings;
	/** The services that the sites lead to. Variables are named after the first. */
	upstreams: UpstreamNodes[];
	sites: Site[];
	/** Port that clients reach HTTPS at. */
	httpsPort: number;
	paths: FrontPaths;
}

export interface Site {
	serverName: string;
	/** Where a path begins, and the name of the upstream that it leads to. */
	routes: Route[];
}

interface Route {
	path: string;
	upstream: string;
}

/** Where things lie on the host. */
export interface FrontPaths {
	/** Flag: answer everything with 503. */
	maintenance: string;
	/** Flag: HTTPS is up, so HTTP may lead there. */
	httpsUp: string;
	/** Directory certbot puts ACME challenges in. */
	challenges: string;
	certificate: string;
	key: string;
}

const madeBy = "# Made by Pulumi: a change by hand is undone by the next update.";

/** The file with the upstreams and the HTTP servers, for a conf.d directory; some lines are for some versions, see `onlyIf`. Pure. */
export function httpConfig(front: Front): string {
	const { nginx, upstreams, sites, paths } = front;
	const redirect = nginx.tls?.redirect ? [`if (-f ${paths.httpsUp}) {`, `    return 308 ${redirectTarget(front)};`, "}"] : [];
	const acme = ["location ^~ /.well-known/acme-challenge/ {", `    root ${paths.challenges};`, "    default_type text/plain;", "}"];
	const server = (site: Site) =>
		block("server", [
			`listen ${listen(nginx, nginx.listen)}${defaultServer(site)};`,
			...serverLines(front, site),
			...(nginx.tls?.acme ? acme : []),
			...locationLines(front, site, redirect),
		]);
	return [
		madeBy,
		...upstreams.map((upstream, i) => upstreamBlock(nginx, upstream, i === 0).trimEnd()),
		`${upgradeMaps(front)}${upstreams.map((upstream) => passOnMap(passOn(front, upstream))).join("")}${proxyMaps(front)}`,
		...sites.map((site) => server(site).trimEnd()),
		"",
	].join("\n");
}

/** The file with the HTTPS servers; the one of `httpConfig` must be there. Pure. */
export function httpsConfig(front: Front): string {
	const { nginx, sites, paths } = front;
	const tls = nginx.tls as NonNullable<BalancingSettings["tls"]>;
	const at = `listen ${listen(nginx, tls.httpsPort)} ssl`;
	const hsts = tls.hstsSeconds > 0 ? [`add_header Strict-Transport-Security "max-age=${tls.hstsSeconds}" always;`] : [];
	const server = (site: Site) =>
		block("server", [
			onlyIf("lt", "1.25.1", `${at} http2${defaultServer(site)};`),
			onlyIf("ge", "1.25.1", `${at}${defaultServer(site)};`),
			onlyIf("ge", "1.25.1", "http2 on;"),
			`ssl_certificate ${paths.certificate};`,
			`ssl_certificate_key ${paths.key};`,
			"# Mozilla's intermediate profile, without the suites that need a file of DH parameters.",
			`ssl_protocols ${tls.minVersion === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2 TLSv1.3"};`,
			`ssl_ciphers ${ciphers.join(":")};`,
			"ssl_prefer_server_ciphers off;",
			"ssl_session_timeout 1d;",
			`ssl_session_cache shared:${prefixOf(front)}_tls:10m;`,
			"ssl_session_tickets off;",
			...hsts,
			...serverLines(front, site, hsts),
			...locationLines(front, site),
		]);
	return `${madeBy}\n${sites.map(server).join("")}`;
}

/** What names of variables begin with: another stack may have its own on the same host. */
const prefixOf = ({ upstreams: [first] }: Front) => first?.name ?? "app";

const ciphers = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap((suite) => [
	`ECDHE-ECDSA-${suite}`,
	`ECDHE-RSA-${suite}`,
]);

/**
 * What both servers of a site say of themselves, and of how nodes are asked, which the locations inherit. A location with headers of its own does not
 * inherit the server's: they are `also` in the 503's.
 */
function serverLines(front: Front, site: Site, also: string[] = []): string[] {
	const { nginx } = front;
	return [
		`server_name ${namesOf(front, site).join(" ")};`,
		`client_max_body_size ${nginx.clientMaxBodyMiB}m;`,
		...realIpLines(nginx),
		"error_page 503 @maintenance;",
		"location @maintenance {",
		"    default_type text/html;",
		`    add_header Retry-After ${nginx.retryAfterSeconds} always;`,
		...also.map((line) => `    ${line}`),
		'    return 503 "<!doctype html><title>Maintenance</title><h1>Down for maintenance</h1><p>Please try again in a few minutes.</p>\\n";',
		"}",
		...proxyLines(front),
	];
}

/** Each route to its upstream, unless in maintenance, or as `before` says. */
function locationLines(front: Front, { routes }: Site, before: string[] = []): string[] {
	const { upstreams, paths } = front;
	const always = [
		"# Looked at for each request, so that maintenance begins and ends without a reload.",
		`if (-f ${paths.maintenance}) {`,
		"    return 503;",
		"}",
		...before,
	];
	const location = (head: string, lines: string[]) => [`location ${head} {`, ...lines.map((line) => `    ${line}`), "}"];
	const leads = new Set(routes.map(({ upstream }) => upstream));
	const used = upstreams.filter(({ name }) => leads.has(name)).map((upstream) => passOn(front, upstream));
	const to = (name: string) => used.find(({ upstream }) => upstream === name) as PassOn;
	// NGINX takes the first expression that fits.
	const longestFirst = routes.toSorted((a, b) => b.path.length - a.path.length);
	const rest = routes.some(({ path }) => path === "/") ? [] : location("/", [...always, "return 404;"]);
	return [
		...longestFirst.flatMap(({ path, upstream }) =>
			location(matching(path), [...always, ...passOnLines(to(upstream)), `proxy_pass http://${upstream};`]),
		),
		...rest,
		...used.flatMap(passOnLocation),
	];
}

/** What a location is for: the path itself and all below it, but not `/administrator` for `/admin`. */
const matching = (path: string) => (path === "/" ? path : `~ ^${path.replaceAll(".", "\\.")}(/|$)`);

const passOn = ({ nginx }: Front, { name, servers, port }: UpstreamNodes): PassOn => ({
	nginx,
	upstream: name,
	servers: servers.map(({ address }) => `${address}:${port}`),
});

/** How a node is asked. */
function proxyLines(front: Front): string[] {
	const { nginx } = front;
	const prefix = prefixOf(front);
	const { forwardedFor, proto, host } = forwarded(front);
	return [
		"proxy_http_version 1.1;",
		"proxy_set_header Host $host;",
		"proxy_set_header X-Real-IP $remote_addr;",
		`proxy_set_header X-Forwarded-For ${forwardedFor};`,
		`proxy_set_header X-Forwarded-Proto ${proto};`,
		`proxy_set_header X-Forwarded-Host ${host};`,
		"# A client could claim anything in these, and frameworks believe them.",
		'proxy_set_header Forwarded "";',
		'proxy_set_header X-Forwarded-Port "";',
		'proxy_set_header X-Forwarded-Prefix "";',
		`proxy_set_header Upgrade $${prefix}_upgrade;`,
		"# Empty for all but web sockets: a node's connection is kept then.",
		`proxy_set_header Connection $${prefix}_connection;`,
		`proxy_connect_timeout ${nginx.connectTimeoutSeconds}s;`,
		`proxy_read_timeout ${nginx.readTimeoutSeconds}s;`,
		`proxy_send_timeout ${nginx.readTimeoutSeconds}s;`,
		...(nginx.requestBuffering ? [] : ["proxy_request_buffering off;"]),
		...(nginx.responseBuffering ? [] : ["proxy_buffering off;"]),
	];
}

/** Values of the headers that ask for another protocol: only for web sockets, since NGINX no longer sees the requests of what it tunnels. */
function upgradeMaps(front: Front): string {
	const prefix = prefixOf(front);
	// A map of strings ignores their case.
	return [
		block(`map $http_upgrade $${prefix}_upgrade`, ["default '';", "websocket websocket;"]),
		block(`map $${prefix}_upgrade $${prefix}_connection`, ["default '';", "websocket upgrade;"]),
	].join("");
}

function listen({ bind }: BalancingSettings, port: number): string {
	if (!bind) return `${port}`;
	return `${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

const defaultServer = ({ serverName }: Site) => (serverName === "_" ? " default_server" : "");

/** The names of all sites, and those that a certificate is got for besides. */
export function serverNames({ sites, nginx }: Pick<Front, "sites" | "nginx">): string[] {
	return [...new Set([...sites.map(({ serverName }) => serverName), ...(nginx.tls?.acme?.domains ?? [])])];
}

/** A site's own name. The first one answers to those that are no site's as well. */
function namesOf(front: Front, site: Site): string[] {
	const { sites } = front;
	if (site !== sites[0]) return [site.serverName];
	const others = sites.slice(1).map(({ serverName }) => serverName);
	return serverNames(front).filter((name) => !others.includes(name));
}

/** 308 and not 301, with which clients make a GET of a POST. */
function redirectTarget({ httpsPort }: Pick<Front, "httpsPort">): string {
	return `https://$host${httpsPort === 443 ? "" : `:${httpsPort}`}$request_uri`;
}

/** Variables with what a trusted proxy says of its client; they hold what NGINX itself sees when someone else says it. */
function proxyMaps(front: Front): string {
	const { trustedProxies } = front.nginx;
	if (trustedProxies.length === 0) return "";
	const from = `$${prefixOf(front)}_from_proxy`;
	const believed = (header: string, variable: string, otherwise: string, pattern: string, value: string) =>
		block(`map ${from}:$http_x_forwarded_${header} ${variable}`, [
			`default ${otherwise};`,
			`~^1:(?<${variable.slice(1)}_said>${pattern})$ ${value};`,
		]);
	const { forwardedFor, proto, host } = forwarded(front);
	return [
		block(`geo $realip_remote_addr ${from}`, ["default 0;", ...trustedProxies.map((proxy) => `${proxy} 1;`)]),
		believed("for", forwardedFor, "$remote_addr", ".+", `"${forwardedFor}_said, $realip_remote_addr"`),
		believed("proto", proto, "$scheme", "https?", `${proto}_said`),
		believed("host", host, "$http_host", ".+", `${host}_said`),
	].join("");
}

/** Values of the headers that tell the application of its client. */
function forwarded(front: Front) {
	if (front.nginx.trustedProxies.length === 0) return { forwardedFor: "$remote_addr", proto: "$scheme", host: "$http_host" };
	const prefix = `$${prefixOf(front)}_forwarded`;
	return { forwardedFor: `${prefix}_for`, proto: `${prefix}_proto`, host: `${prefix}_host` };
}

function realIpLines({ trustedProxies }: BalancingSettings): string[] {
	if (trustedProxies.length === 0) return [];
	return [...trustedProxies.map((proxy) => `set_real_ip_from ${proxy};`), "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"];
}
