import * as pulumi from "@pulumi/pulumi";
import type { Certificate } from "../lib/nginx.ts";
import { type Host, hostStep, ownFileName } from "./host.ts";
import { firstName } from "./hostNames.ts";
import { httpConfig, httpsConfig, requirements, type Site, type SitePaths } from "./nginxConfig.ts";
import { type AcmePaths, acmeCertificate, acmeStep, certificateStep, keepRunningStep, maintenanceStep, siteStep } from "./nginxSteps.ts";
import type { NginxSettings } from "./settings/nginx.ts";
import type { SwarmMember } from "./swarm.ts";

export interface LoadBalancerArgs extends NginxSettings {
	/** The host that it runs on. Another one replaces it. */
	host: Host;
	/** The members that run the service. */
	serving: SwarmMember[];
	/** Port that the service is published at on them. */
	published: number;
	/** What HTTPS is served with. Default: plain HTTP. */
	certificate?: Certificate | undefined;
}

/**
 * NGINX in front of the service's nodes. HTTP and HTTPS are a file each: HTTP serves before there is a certificate, as ACME needs it, and goes on
 * when HTTPS cannot come up.
 */
export class LoadBalancer extends pulumi.ComponentResource {
	/** All that is configured serves. */
	readonly ready: pulumi.Resource;

	constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:LoadBalancer", name, {}, opts);
		const { host, certificate, adopt, maintenance } = args;
		const paths = pathsOf(name, certificate);
		const site = siteOf(args, paths);
		const adoption = adopt.length > 0 ? { files: adopt, kept: paths.adopted } : undefined;
		const httpFile = { path: paths.http, content: httpConfig(site), requirements: requirements(args), adoption };
		const http = hostStep(name, host, siteStep(httpFile), { parent: this });
		this.ready = certificate ? this.#https(name, args, certificate, http, site, paths) : http;
		hostStep(`${name}-keep-running`, host, keepRunningStep(paths.keepRunning), { parent: this });
		hostStep(`${name}-maintenance`, host, maintenanceStep(paths.maintenance, maintenance), { parent: this, dependsOn: [http] });
		this.registerOutputs({});
	}

	#https(name: string, args: LoadBalancerArgs, certificate: Certificate, http: pulumi.Resource, site: Site, paths: Paths) {
		const { host } = args;
		// NGINX serves the challenges of ACME.
		const got = certificate.acme
			? hostStep(`${name}-acme`, host, acmeStep(args, certificate, paths.acme), { parent: this, dependsOn: [http] })
			: hostStep(`${name}-certificate`, host, certificateStep(paths.certificate, certificate.pem), { parent: this });
		const httpsFile = {
			path: paths.https,
			content: httpsConfig(site),
			mark: paths.httpsUp,
			...(!certificate.acme && { certificate: paths.certificate }),
		};
		return hostStep(`${name}-https`, host, siteStep(httpsFile), { parent: this, dependsOn: [http, got] });
	}
}

interface Paths extends SitePaths {
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

function siteOf({ host, serving, published, ...nginx }: LoadBalancerArgs, paths: SitePaths): Site {
	const servers = serving.map(({ host }) => ({ name: firstName(host), address: host.address, weight: nginx.weights[host.name] }));
	// HTTP leads to the port that clients reach HTTPS at.
	return { nginx, port: published, servers, httpsPort: nginx.tls ? host.reach(nginx.tls.httpsPort).port : 443, paths };
}
