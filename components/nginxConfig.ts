import { passOnLines, passOnLocation, passOnMap } from "./nginxPassOn.ts";
import type { NginxSettings } from "./settings/nginx.ts";

type Nginx = NginxSettings;

/** First version of NGINX open source that knows the method. */
export const methodSince: Record<Nginx["method"], string> = {
	round_robin: "0.0.0",
	least_conn: "1.3.1",
	ip_hash: "0.0.0",
	hash: "1.7.2",
	random: "1.15.1",
	least_time: "1.31.0",
};

/** A setting, as written in the configuration, and the first version of NGINX that knows it. */
export interface Requirement {
	setting: string;
	since: string;
	remedy: string;
}

/** What the host's NGINX must be able to do. */
export function requirements({ method, sticky }: Nginx): Requirement[] {
	const needed = [{ setting: `nginx.method = ${method}`, since: methodSince[method], remedy: "choose another method" }];
	if (sticky) needed.push({ setting: "nginx.sticky", since: "1.29.6", remedy: "use method hash or ip_hash" });
	return needed;
}

/** One server of the upstream. */
export interface UpstreamServer {
	/** The host's first name, for those who read the file. */
	name: string;
	address: string;
	/** Default 1. */
	weight?: number | undefined;
}

/** What a site's files are rendered from. */
export interface Site {
	nginx: Nginx;
	/** Published port of the service on its nodes. */
	port: number;
	servers: UpstreamServer[];
	/** Port that clients reach HTTPS at. */
	httpsPort: number;
	paths: SitePaths;
}

/** Where things of a site lie on the host. */
export interface SitePaths {
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

/** The file with the upstream and the HTTP server, for a conf.d directory; some lines are for some versions, see `onlyIf`. Pure. */
export function httpConfig(site: Site): string {
	const { nginx, port, servers, paths } = site;
	const redirect = nginx.tls?.redirect ? [`if (-f ${paths.httpsUp}) {`, `    return 308 ${redirectTarget(site)};`, "}"] : [];
	const acme = ["location ^~ /.well-known/acme-challenge/ {", `    root ${paths.challenges};`, "    default_type text/plain;", "}"];
	return `${madeBy}
${block(`upstream ${nginx.upstream}`, [
	...methodLines(nginx),
	...stickyLines(nginx),
	...servers.map((server) => serverLine(server, port, nginx)),
	...keptLines(nginx),
])}
${upgradeMaps(nginx)}${passOnMap(passOn(site))}${proxyMaps(nginx)}
${block("server", [
	`listen ${listen(nginx, nginx.listen)}${defaultServer(nginx)};`,
	...serverLines(site),
	...(nginx.tls?.acme ? acme : []),
	...locationLines(site, redirect),
])}`;
}

/** The file with the HTTPS server; the one of `httpConfig` must be there. Pure. */
export function httpsConfig(site: Site): string {
	const { nginx, paths } = site;
	const tls = nginx.tls as NonNullable<Nginx["tls"]>;
	const at = `listen ${listen(nginx, tls.httpsPort)} ssl`;
	const hsts = tls.hstsSeconds > 0 ? [`add_header Strict-Transport-Security "max-age=${tls.hstsSeconds}" always;`] : [];
	return `${madeBy}
${block("server", [
	onlyIf("lt", "1.25.1", `${at} http2${defaultServer(nginx)};`),
	onlyIf("ge", "1.25.1", `${at}${defaultServer(nginx)};`),
	onlyIf("ge", "1.25.1", "http2 on;"),
	`ssl_certificate ${paths.certificate};`,
	`ssl_certificate_key ${paths.key};`,
	"# Mozilla's intermediate profile, without the suites that need a file of DH parameters.",
	`ssl_protocols ${tls.minVersion === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2 TLSv1.3"};`,
	`ssl_ciphers ${ciphers.join(":")};`,
	"ssl_prefer_server_ciphers off;",
	"ssl_session_timeout 1d;",
	`ssl_session_cache shared:${nginx.upstream}_tls:10m;`,
	"ssl_session_tickets off;",
	...hsts,
	...serverLines(site, hsts),
	...locationLines(site),
])}`;
}

const ciphers = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap((suite) => [
	`ECDHE-ECDSA-${suite}`,
	`ECDHE-RSA-${suite}`,
]);

/**
 * A line for some versions of NGINX only. The version is known on the host alone, so the line carries its condition, and the script that
 * puts the file there leaves it out where the condition does not hold: see `for_this_version` in host/steps/nginx/site.sh.
 */
function onlyIf(comparison: "lt" | "ge", version: string, line: string): string {
	return `${line} # nginx ${comparison} ${version}`;
}

/**
 * What both servers say of themselves, and of how nodes are asked, which the locations inherit. A location with headers of its own does not
 * inherit the server's: they are `also` in the 503's.
 */
function serverLines(site: Site, also: string[] = []): string[] {
	const { nginx } = site;
	return [
		`server_name ${serverNames(nginx).join(" ")};`,
		`client_max_body_size ${nginx.clientMaxBodyMiB}m;`,
		...realIpLines(nginx),
		"error_page 503 @maintenance;",
		"location @maintenance {",
		"    default_type text/html;",
		`    add_header Retry-After ${nginx.retryAfterSeconds} always;`,
		...also.map((line) => `    ${line}`),
		'    return 503 "<!doctype html><title>Maintenance</title><h1>Down for maintenance</h1><p>Please try again in a few minutes.</p>\\n";',
		"}",
		...proxyLines(nginx),
		...passOnLines(passOn(site)),
	];
}

/** Everything goes to the upstream, unless in maintenance, or as `before` says. */
function locationLines(site: Site, before: string[] = []): string[] {
	const { nginx, paths } = site;
	const lines = [
		"# Looked at for each request, so that maintenance begins and ends without a reload.",
		`if (-f ${paths.maintenance}) {`,
		"    return 503;",
		"}",
		...before,
		`proxy_pass http://${nginx.upstream};`,
	];
	return ["location / {", ...lines.map((line) => `    ${line}`), "}", ...passOnLocation(passOn(site))];
}

const passOn = ({ nginx, servers, port }: Site) => ({ nginx, servers: servers.map(({ address }) => `${address}:${port}`) });

/** How a node is asked. */
function proxyLines(nginx: Nginx): string[] {
	const { forwardedFor, proto, host } = forwarded(nginx);
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
		`proxy_set_header Upgrade $${nginx.upstream}_upgrade;`,
		"# Empty for all but web sockets: a node's connection is kept then.",
		`proxy_set_header Connection $${nginx.upstream}_connection;`,
		`proxy_connect_timeout ${nginx.connectTimeoutSeconds}s;`,
		`proxy_read_timeout ${nginx.readTimeoutSeconds}s;`,
		`proxy_send_timeout ${nginx.readTimeoutSeconds}s;`,
		...(nginx.requestBuffering ? [] : ["proxy_request_buffering off;"]),
		...(nginx.responseBuffering ? [] : ["proxy_buffering off;"]),
	];
}

/**
 * Connections to the nodes are kept, and end by themselves: a node that refuses new ones is rid of all soon. Before 1.19.10 they would last as
 * long as requests come.
 */
function keptLines({ keepalive }: Nginx): string[] {
	// Kept by default from this version on; an older one does not know 0.
	if (keepalive === 0) return [onlyIf("ge", "1.29.7", "keepalive 0;")];
	return [`keepalive ${keepalive};`, `keepalive_time ${kept.seconds}s;`, `keepalive_timeout ${kept.idleSeconds}s;`].map((line) =>
		onlyIf("ge", "1.19.10", line),
	);
}

/** A kept connection takes requests for this long, and ends when none came for so long. */
const kept = { seconds: 2, idleSeconds: 1 };

/** Values of the headers that ask for another protocol: only for web sockets, since NGINX no longer sees the requests of what it tunnels. */
function upgradeMaps({ upstream }: Nginx): string {
	// A map of strings ignores their case.
	return [
		block(`map $http_upgrade $${upstream}_upgrade`, ["default '';", "websocket websocket;"]),
		block(`map $${upstream}_upgrade $${upstream}_connection`, ["default '';", "websocket upgrade;"]),
	].join("");
}

function block(head: string, lines: string[]): string {
	return `${head} {\n${lines.map((line) => `    ${line}\n`).join("")}}\n`;
}

function listen({ bind }: Nginx, port: number): string {
	if (!bind) return `${port}`;
	return `${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

const defaultServer = ({ serverName }: Nginx) => (serverName === "_" ? " default_server" : "");

/** The site's name, and those its certificate is got for. */
export function serverNames({ serverName, tls }: Nginx): string[] {
	return [...new Set([serverName, ...(tls?.acme?.domains ?? [])])];
}

/** 308 and not 301, with which clients make a GET of a POST. */
function redirectTarget({ httpsPort }: Site): string {
	return `https://$host${httpsPort === 443 ? "" : `:${httpsPort}`}$request_uri`;
}

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

/** After the method, which balances clients without a cookie. */
function stickyLines({ sticky, tls }: Nginx): string[] {
	if (!sticky) return [];
	const expires = sticky.expiresSeconds ? ` expires=${sticky.expiresSeconds}s` : "";
	return [`sticky cookie ${sticky.cookie}${expires} path=/ httponly samesite=lax${tls?.redirect ? " secure" : ""};`];
}

function serverLine({ name, address, weight }: UpstreamServer, port: number, nginx: Nginx): string {
	const parameters = [
		weight && weight !== 1 ? `weight=${weight}` : "",
		`max_fails=${nginx.maxFails}`,
		`fail_timeout=${nginx.failTimeoutSeconds}s`,
	];
	return `server ${address}:${port} ${parameters.filter(Boolean).join(" ")}; # ${name}`;
}

/** Variables with what a trusted proxy says of its client; they hold what NGINX itself sees when someone else says it. */
function proxyMaps({ trustedProxies, upstream }: Nginx): string {
	if (trustedProxies.length === 0) return "";
	const from = `$${upstream}_from_proxy`;
	const believed = (header: string, variable: string, otherwise: string, pattern: string, value: string) =>
		block(`map ${from}:$http_x_forwarded_${header} ${variable}`, [
			`default ${otherwise};`,
			`~^1:(?<${variable.slice(1)}_said>${pattern})$ ${value};`,
		]);
	const { forwardedFor, proto, host } = forwarded({ trustedProxies, upstream });
	return [
		block(`geo $realip_remote_addr ${from}`, ["default 0;", ...trustedProxies.map((proxy) => `${proxy} 1;`)]),
		believed("for", forwardedFor, "$remote_addr", ".+", `"${forwardedFor}_said, $realip_remote_addr"`),
		believed("proto", proto, "$scheme", "https?", `${proto}_said`),
		believed("host", host, "$http_host", ".+", `${host}_said`),
	].join("");
}

/** Values of the headers that tell the application of its client. */
function forwarded({ trustedProxies, upstream }: Pick<Nginx, "trustedProxies" | "upstream">) {
	if (trustedProxies.length === 0) return { forwardedFor: "$remote_addr", proto: "$scheme", host: "$http_host" };
	return { forwardedFor: `$${upstream}_forwarded_for`, proto: `$${upstream}_forwarded_proto`, host: `$${upstream}_forwarded_host` };
}

function realIpLines({ trustedProxies }: Nginx): string[] {
	if (trustedProxies.length === 0) return [];
	return [...trustedProxies.map((proxy) => `set_real_ip_from ${proxy};`), "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"];
}
