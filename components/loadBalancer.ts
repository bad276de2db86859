import * as pulumi from "@pulumi/pulumi";
import { type Certificate, upstreamName } from "../lib/nginx.ts";
import { type Host, hostStep, ownFileName } from "./host.ts";
import { firstName } from "./hostNames.ts";
import { type Front, type FrontPaths, httpConfig, httpsConfig, serverNames } from "./nginxConfig.ts";
import { type AcmePaths, acmeCertificate, acmeStep, certificateStep, keepRunningStep, maintenanceStep, siteStep } from "./nginxSteps.ts";
import { requirements } from "./nginxUpstream.ts";
import type { Upstream } from "./service.ts";
import type { NginxSettings } from "./settings/nginx.ts";

/** What NGINX answers to, and where it leads. */
export interface SiteArgs {
	/** DNS name, with * for a wildcard, or _ for any. */
	serverName: string;
	/** By where a path begins: the longest that fits. The path is passed on as it is. */
	routes: Record<string, Upstream>;
}

export interface LoadBalancerArgs extends Omit<NginxSettings, "sites"> {
	/** The host that it runs on. Another one replaces it. */
	host: Host;
	sites: SiteArgs[];
	/** What HTTPS is served with. Default: plain HTTP. */
	certificate?: Certificate | undefined;
}

/**
 * NGINX in front of the services' nodes. HTTP and HTTPS are a file each: HTTP serves before there is a certificate, as ACME needs it, and goes on
 * when HTTPS cannot come up.
 */
export class LoadBalancer extends pulumi.ComponentResource {
	/** All that is configured serves. */
	readonly ready: pulumi.Resource;

	constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:LoadBalancer", name, {}, opts);
		const { host, certificate, adopt, maintenance } = args;
		const paths = pathsOf(name, certificate);
		const front = frontOf(args, paths);
		const adoption = adopt.length > 0 ? { files: adopt, kept: paths.adopted } : undefined;
		const httpFile = { path: paths.http, content: httpConfig(front), requirements: requirements(args), adoption };
		const http = hostStep(name, host, siteStep(httpFile), { parent: this });
		this.ready = certificate ? this.#https(name, args, certificate, http, front, paths) : http;
		hostStep(`${name}-keep-running`, host, keepRunningStep(paths.keepRunning), { parent: this });
		hostStep(`${name}-maintenance`, host, maintenanceStep(paths.maintenance, maintenance), { parent: this, dependsOn: [http] });
		this.registerOutputs({});
	}

	#https(name: string, args: LoadBalancerArgs, certificate: Certificate, http: pulumi.Resource, front: Front, paths: Paths) {
		const { host } = args;
		// NGINX serves the challenges of ACME.
		const got = certificate.acme
			? hostStep(`${name}-acme`, host, acmeStep(serverNames(front), certificate, paths.acme), { parent: this, dependsOn: [http] })
			: hostStep(`${name}-certificate`, host, certificateStep(paths.certificate, certificate.pem), { parent: this });
		const httpsFile = {
			path: paths.https,
			content: httpsConfig(front),
			mark: paths.httpsUp,
			...(!certificate.acme && { certificate: paths.certificate }),
		};
		return hostStep(`${name}-https`, host, siteStep(httpsFile), { parent: this, dependsOn: [http, got] });
	}
}

interface Paths extends FrontPaths {
	/** Files NGINX reads. */
	http: string;
	https: string;
	/** A drop-in of NGINX's systemd unit. */
	keepRunning: string;
	acme: AcmePaths;
	/** Directory of what was taken over. */
	adopted: string;
}

function pathsOf(name: string, certificate: Certificate | undefined): Paths {
	const own = ownFileName(name);
	const challenges = `/var/www/${own}-acme`;
	// A file for each certificate: the one in use stays as it is until the next one has been tested.
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

function frontOf({ host, sites, upstreams, ...nginx }: LoadBalancerArgs, paths: FrontPaths): Front {
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
		// HTTP leads to the port that clients reach HTTPS at.
		httpsPort: nginx.tls ? host.reach(nginx.tls.httpsPort).port : 443,
		paths,
	};
}
