import * as pulumi from "@pulumi/pulumi";
import type { Certificate } from "../config/certificate.ts";
import type { Topology } from "../config/schema.ts";
import { type Host, hostStep, ownFileName } from "./host.ts";
import { firstName } from "./hostNames.ts";
import { httpConfig, httpsConfig, requirements, type Site, type SitePaths } from "./nginxConfig.ts";
import { type AcmePaths, acmeCertificate, acmeStep, certificateStep, keepRunningStep, maintenanceStep, siteStep } from "./nginxSteps.ts";
import type { SwarmMember } from "./swarm.ts";

export interface LoadBalancerArgs {
	topology: Topology;
	host: Host;
	/** The members that run the service. */
	serving: SwarmMember[];
	/** What HTTPS is served with; without it, plain HTTP. */
	certificate: Certificate | undefined;
	/** URL under which people reach NGINX: HTTP leads to its port. */
	endpoint: pulumi.Input<string>;
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
		const { host, certificate } = args;
		const { nginx } = args.topology;
		const paths = pathsOf(name, certificate);
		const site = siteOf(args, paths);
		const adoption = nginx.adopt.length > 0 ? { files: nginx.adopt, kept: paths.adopted } : undefined;
		const httpFile = { path: paths.http, content: site.apply(httpConfig), requirements: requirements(nginx), adoption };
		const http = hostStep(name, host, siteStep(httpFile), { parent: this });
		this.ready = certificate ? this.#https(name, args, certificate, http, site, paths) : http;
		hostStep(`${name}-keep-running`, host, keepRunningStep(paths.keepRunning), { parent: this });
		hostStep(`${name}-maintenance`, host, maintenanceStep(paths.maintenance, nginx.maintenance), { parent: this, dependsOn: [http] });
		this.registerOutputs({});
	}

	#https(name: string, args: LoadBalancerArgs, certificate: Certificate, http: pulumi.Resource, site: pulumi.Output<Site>, paths: Paths) {
		const { host, topology } = args;
		// NGINX serves the challenges of ACME.
		const got = certificate.acme
			? hostStep(`${name}-acme`, host, acmeStep(topology.nginx, certificate, paths.acme), { parent: this, dependsOn: [http] })
			: hostStep(`${name}-certificate`, host, certificateStep(paths.certificate, certificate.pem), { parent: this });
		const httpsFile = {
			path: paths.https,
			content: site.apply(httpsConfig),
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

function siteOf({ topology, serving, endpoint }: LoadBalancerArgs, paths: SitePaths): pulumi.Output<Site> {
	const { nginx, service } = topology;
	const servers = serving.map(({ host }) => ({ name: firstName(host), address: host.address, weight: nginx.weights[host.name] }));
	return pulumi
		.output(endpoint)
		.apply((url) => ({ nginx, port: service.publish.published, servers, httpsPort: Number(new URL(url).port || 443), paths }));
}
