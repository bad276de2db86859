import type * as pulumi from "@pulumi/pulumi";
import { type Certificate, upstreamName } from "../../../lib/nginx.ts";
import { type Host, hostStep, ownFileName } from "../../host.ts";
import { firstName } from "../../hostNames.ts";
import type { Upstream } from "../../service.ts";
import type { NginxSettings } from "../../settings/nginx.ts";
import type { BalancerKind, Front } from "../loadBalancer.ts";
import { flagOf, httpConfig, httpsConfig, type NginxFiles, type NginxPaths, serverNames } from "./config.ts";
import { type AcmePaths, acmeCertificate, acmeStep, certificateStep, keepRunningStep, maintenanceStep, siteStep } from "./steps.ts";
import { requirements } from "./upstream.ts";

export interface NginxArgs extends Omit<NginxSettings, "sites"> {
	/** Certificate for HTTPS. Default: plain HTTP. */
	certificate?: Certificate | undefined;
}

/**
 * NGINX as the load balancer. HTTP and HTTPS have a file each: HTTP serves before a certificate exists, as ACME needs that, and keeps serving if HTTPS
 * cannot start.
 */
export function nginx(args: NginxArgs): BalancerKind {
	return { packages: ["nginx"], serve: (name, front, parent) => serve(name, args, front, parent) };
}

function serve(name: string, args: NginxArgs, front: Front, parent: pulumi.Resource): pulumi.Resource {
	const { host } = front;
	const { certificate, adopt, maintenance } = args;
	const paths = pathsOf(name, certificate);
	const files = filesOf(args, front, paths);
	const adoption = adopt.length > 0 ? { files: adopt, kept: paths.adopted } : undefined;
	const httpFile = { path: paths.http, content: httpConfig(files), requirements: requirements(args), adoption };
	const http = hostStep(name, host, siteStep(httpFile), { parent });
	hostStep(`${name}-keep-running`, host, keepRunningStep(paths.keepRunning), { parent });
	hostStep(`${name}-maintenance`, host, maintenanceStep(paths.maintenance, maintenance), { parent, dependsOn: [http] });
	if (!certificate) return http;
	// HTTP first: NGINX serves the ACME challenges.
	const got = certificate.acme
		? hostStep(`${name}-acme`, host, acmeStep(serverNames(files), certificate, paths.acme), { parent, dependsOn: [http] })
		: hostStep(`${name}-certificate`, host, certificateStep(paths.certificate, certificate.pem), { parent });
	const httpsFile = {
		path: paths.https,
		content: httpsConfig(files),
		flags: { directory: paths.httpsUp, names: files.sites.map(flagOf) },
		...(!certificate.acme && { certificate: paths.certificate }),
	};
	return hostStep(`${name}-https`, host, siteStep(httpsFile), { parent, dependsOn: [http, got] });
}

interface Paths extends NginxPaths {
	/** Files NGINX reads. */
	http: string;
	https: string;
	/** A drop-in of NGINX's systemd unit. */
	keepRunning: string;
	acme: AcmePaths;
	/** Directory for files that were taken over. */
	adopted: string;
}

function pathsOf(name: string, certificate: Certificate | undefined): Paths {
	const own = ownFileName(name);
	const challenges = `/var/www/${own}-acme`;
	// Each certificate has its own file: the one in use stays unchanged until the next one has been tested.
	const given = certificate && !certificate.acme ? `/etc/nginx/${own}-tls/${certificate.id}.pem` : "";
	const got = acmeCertificate(own);
	return {
		http: `/etc/nginx/conf.d/${own}.conf`,
		https: `/etc/nginx/conf.d/${own}-https.conf`,
		keepRunning: `/etc/systemd/system/nginx.service.d/${own}.conf`,
		maintenance: `/etc/nginx/${own}.maintenance`,
		httpsUp: `/etc/nginx/${own}.https`,
		adopted: `/etc/nginx/${own}.adopted`,
		challenges,
		certificate: given || `${got}/fullchain.pem`,
		key: given || `${got}/privkey.pem`,
		acme: {
			name: own,
			challenges,
			caBundle: `/etc/letsencrypt/${own}-ca.pem`,
			dropIn: `/etc/systemd/system/certbot.service.d/${own}.conf`,
		},
	};
}

function filesOf({ upstreams, ...nginx }: NginxArgs, { host, sites }: Front, paths: NginxPaths): NginxFiles {
	const used = new Map(sites.flatMap(({ routes }) => Object.values(routes).map((upstream) => [upstream.service, upstream])));
	const nameOf = ({ service }: Upstream) => upstreamName(upstreams, service);
	const serverOf = (node: Host) => ({ name: firstName(node), address: node.address, weight: nginx.weights[node.name] });
	return {
		nginx,
		upstreams: [...used.values()].map((to) => ({ name: nameOf(to), port: to.port, servers: to.hosts.map(serverOf) })),
		sites: sites.map(({ serverName, routes }) => ({
			serverName,
			routes: Object.entries(routes).map(([path, to]) => ({ path, upstream: nameOf(to) })),
		})),
		// HTTP redirects to the port at which clients reach HTTPS.
		httpsPort: nginx.tls ? host.reach(nginx.tls.httpsPort).port : 443,
		paths,
	};
}
