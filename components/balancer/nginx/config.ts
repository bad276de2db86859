import { fileStem } from "../../../lib/names.ts";
import { tlsUpstream } from "../../../lib/nginx.ts";
import { type PassOn, passOnLines, passOnLocation, passOnMap } from "./passOn.ts";
import { type BalancingSettings, block, onlyIf, type UpstreamNodes, upstreamBlock } from "./upstream.ts";

/* NGINX's files, one for HTTP and one for HTTPS, with a server for each site. */

/** What the files are rendered from. */
export interface NginxFiles {
	nginx: BalancingSettings;
	/** The services that the sites lead to. The variables' names come from the first. */
	upstreams: UpstreamNodes[];
	sites: Site[];
	/** Port at which clients reach HTTPS. */
	httpsPort: number;
	paths: NginxPaths;
}

export interface Site {
	serverName: string;
	/** Path prefixes, each with the name of its upstream. */
	routes: Route[];
}

interface Route {
	path: string;
	upstream: string;
}

/** Paths on the host. */
export interface NginxPaths {
	/** Flag file: answer everything with 503. */
	maintenance: string;
	/** Directory of flag files, named after sites: HTTPS is up for that site, so HTTP may redirect there. */
	httpsUp: string;
	/** Directory where certbot puts ACME challenges. */
	challenges: string;
	certificate: string;
	key: string;
}

const madeBy = "# Made by Pulumi: a change by hand is undone by the next update.";

/**
 * The file for HTTP, for a conf.d directory. Some lines are only for some versions, see `onlyIf`. This file and the one for HTTPS do not depend on each
 * other: each is tested beside the old version of the other, which may still lead to a service that this one no longer knows. Pure.
 */
export function httpConfig(files: NginxFiles): string {
	const { nginx, sites, paths } = files;
	const redirect = (site: Site) =>
		nginx.tls?.redirect ? [`if (-f ${paths.httpsUp}/${flagOf(site)}) {`, `    return 308 ${redirectTarget(files)};`, "}"] : [];
	const acme = ["location ^~ /.well-known/acme-challenge/ {", `    root ${paths.challenges};`, "    default_type text/plain;", "}"];
	const server = (site: Site) =>
		block("server", [
			`listen ${listen(nginx, nginx.listen)}${defaultServer(site)};`,
			...serverLines(files, site),
			...(nginx.tls?.acme ? acme : []),
			...locationLines(files, site, redirect(site)),
		]);
	return `${madeBy}\n${[sharedBlocks(files), ...sites.map(server)].join("\n")}`;
}

/** The file for HTTPS, with its own upstreams. Pure. */
export function httpsConfig(given: NginxFiles): string {
	const files = overTls(given);
	const { nginx, sites, paths } = files;
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
			`ssl_session_cache shared:${prefixOf(given)}_tls:10m;`,
			"ssl_session_tickets off;",
			...hsts,
			...serverLines(files, site, hsts),
			...locationLines(files, site),
		]);
	return `${madeBy}\n${[sharedBlocks(files), ...sites.map(server)].join("\n")}`;
}

/** The blocks that all servers of a file use: upstreams and variables. */
function sharedBlocks(files: NginxFiles): string {
	const { nginx, upstreams } = files;
	const blocks = upstreams.map((upstream) => upstreamBlock(nginx, upstream, upstreams.length === 1));
	return [...blocks, upgradeMaps(files), ...upstreams.map((upstream) => passOnMap(passOn(files, upstream))), proxyMaps(files)].join("");
}

/** The same with other names of the upstreams, and so of the variables. */
function overTls({ upstreams, sites, ...files }: NginxFiles): NginxFiles {
	return {
		...files,
		upstreams: upstreams.map((upstream) => ({ ...upstream, name: tlsUpstream(upstream.name) })),
		sites: sites.map((site) => ({ ...site, routes: site.routes.map((route) => ({ ...route, upstream: tlsUpstream(route.upstream) })) })),
	};
}

/** Name of a site's flag file in the directory `httpsUp`: the site is served over HTTPS. */
export const flagOf = ({ serverName }: Pick<Site, "serverName">) => fileStem(serverName);

/** Prefix of the variables' names: NGINX has its own, and another stack may have some on the same host. Short, as its table takes 46 characters. */
const prefixOf = ({ upstreams: [first] }: NginxFiles) => `to_${first?.name ?? "app"}`;

const ciphers = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap((suite) => [
	`ECDHE-ECDSA-${suite}`,
	`ECDHE-RSA-${suite}`,
]);

/**
 * Lines of both servers of a site: about the server itself, and about requests to nodes, which the locations inherit. A location with its own headers does
 * not inherit the server's, so `also` adds those to the location of the 503.
 */
function serverLines(files: NginxFiles, site: Site, also: string[] = []): string[] {
	const { nginx } = files;
	return [
		`server_name ${namesOf(files, site).join(" ")};`,
		`client_max_body_size ${nginx.clientMaxBodyMiB}m;`,
		...realIpLines(nginx),
		"error_page 503 @maintenance;",
		"location @maintenance {",
		"    default_type text/html;",
		`    add_header Retry-After ${nginx.retryAfterSeconds} always;`,
		...also.map((line) => `    ${line}`),
		'    return 503 "<!doctype html><title>Maintenance</title><h1>Down for maintenance</h1><p>Please try again in a few minutes.</p>\\n";',
		"}",
		...proxyLines(files),
	];
}

/** Passes each route to its upstream, unless maintenance is on, or `before` answers. */
function locationLines(files: NginxFiles, { routes }: Site, before: string[] = []): string[] {
	const { upstreams, paths } = files;
	const always = [
		"# Looked at for each request, so that maintenance begins and ends without a reload.",
		`if (-f ${paths.maintenance}) {`,
		"    return 503;",
		"}",
		...before,
	];
	const location = (head: string, lines: string[]) => [`location ${head} {`, ...lines.map((line) => `    ${line}`), "}"];
	const leads = new Set(routes.map(({ upstream }) => upstream));
	const used = upstreams.filter(({ name }) => leads.has(name)).map((upstream) => passOn(files, upstream));
	const to = (name: string) => used.find(({ upstream }) => upstream === name) as PassOn;
	// NGINX uses the first expression that matches.
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

/** A location's pattern. It matches the path itself, also with parameters, and everything below it, but for `/admin` not `/administrator`. */
const matching = (path: string) => (path === "/" ? path : `~ "^${path.replaceAll(".", "\\.")}(/|;|$)"`);

const passOn = ({ nginx }: NginxFiles, { name, servers, port }: UpstreamNodes): PassOn => ({
	nginx,
	upstream: name,
	servers: servers.map(({ address }) => `${address}:${port}`),
});

/** How a request is sent to a node. */
function proxyLines(files: NginxFiles): string[] {
	const { nginx } = files;
	const prefix = prefixOf(files);
	const { forwardedFor, proto, host } = forwarded(files);
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
		`proxy_set_header Connection $${prefix}_conn;`,
		`proxy_connect_timeout ${nginx.connectTimeoutSeconds}s;`,
		`proxy_read_timeout ${nginx.readTimeoutSeconds}s;`,
		`proxy_send_timeout ${nginx.readTimeoutSeconds}s;`,
		// All buffers are as large as the first one, which holds the headers: NGINX wants room for two.
		`proxy_buffer_size ${nginx.responseHeaderKiB}k;`,
		`proxy_buffers 8 ${nginx.responseHeaderKiB}k;`,
		...(nginx.requestBuffering ? [] : ["proxy_request_buffering off;"]),
		...(nginx.responseBuffering ? [] : ["proxy_buffering off;"]),
	];
}

/** Values of the upgrade headers. They are passed on only for web sockets, because NGINX does not see requests inside a tunnel. */
function upgradeMaps(files: NginxFiles): string {
	const prefix = prefixOf(files);
	// A map with strings ignores case.
	return [
		block(`map $http_upgrade $${prefix}_upgrade`, ["default '';", "websocket websocket;"]),
		block(`map $${prefix}_upgrade $${prefix}_conn`, ["default '';", "websocket upgrade;"]),
	].join("");
}

function listen({ bind }: BalancingSettings, port: number): string {
	if (!bind) return `${port}`;
	return `${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

const defaultServer = ({ serverName }: Site) => (serverName === "_" ? " default_server" : "");

/** The names of all sites, and further names in the ACME certificate. */
export function serverNames({ sites, nginx }: Pick<NginxFiles, "sites" | "nginx">): string[] {
	return [...new Set([...sites.map(({ serverName }) => serverName), ...(nginx.tls?.acme?.domains ?? [])])];
}

/** A site's own name. The first site also gets the names that belong to no site. */
function namesOf(files: NginxFiles, site: Site): string[] {
	const { sites } = files;
	if (site !== sites[0]) return [site.serverName];
	const others = sites.slice(1).map(({ serverName }) => serverName);
	return serverNames(files).filter((name) => !others.includes(name));
}

/** For a 308, not a 301: with that, clients turn a POST into a GET. */
function redirectTarget({ httpsPort }: Pick<NginxFiles, "httpsPort">): string {
	return `https://$host${httpsPort === 443 ? "" : `:${httpsPort}`}$request_uri`;
}

/** Variables with what a trusted proxy says about its client. If the header comes from anyone else, they hold what NGINX itself sees. */
function proxyMaps(files: NginxFiles): string {
	const { trustedProxies } = files.nginx;
	if (trustedProxies.length === 0) return "";
	const from = `$${prefixOf(files)}_from`;
	// The library for expressions allows names of 32 characters.
	const believed = (header: string, variable: string, otherwise: string, pattern: string, value: string) =>
		block(`map ${from}:$http_x_forwarded_${header} ${variable}`, [
			`default ${otherwise};`,
			`~^1:(?<scaleout_said_${header}>${pattern})$ ${value};`,
		]);
	const { forwardedFor, proto, host } = forwarded(files);
	return [
		block(`geo $realip_remote_addr ${from}`, ["default 0;", ...trustedProxies.map((proxy) => `${proxy} 1;`)]),
		believed("for", forwardedFor, "$remote_addr", ".+", '"$scaleout_said_for, $realip_remote_addr"'),
		believed("proto", proto, "$scheme", "https?", "$scaleout_said_proto"),
		believed("host", host, "$http_host", ".+", "$scaleout_said_host"),
	].join("");
}

/** Values of the headers that describe the client to the application. */
function forwarded(files: NginxFiles) {
	if (files.nginx.trustedProxies.length === 0) return { forwardedFor: "$remote_addr", proto: "$scheme", host: "$http_host" };
	const prefix = `$${prefixOf(files)}`;
	return { forwardedFor: `${prefix}_for`, proto: `${prefix}_proto`, host: `${prefix}_host` };
}

function realIpLines({ trustedProxies }: BalancingSettings): string[] {
	if (trustedProxies.length === 0) return [];
	return [...trustedProxies.map((proxy) => `set_real_ip_from ${proxy};`), "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"];
}
