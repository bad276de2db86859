import * as pulumi from "@pulumi/pulumi";
import type { Certificate } from "../config/certificate.ts";
import type { Topology } from "../config/schema.ts";
import { type Host, ownFileName, remoteStep } from "./host.ts";
import { httpConfig, httpsConfig, requirements, type Site, type SitePaths } from "./nginxConfig.ts";
import * as scripts from "./nginxScripts.ts";
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
		const http = remoteStep(
			name,
			host,
			{
				script: scripts.applyScript(paths.http, requirements(nginx), { ...(adoption && { adoption }) }),
				stdin: site.apply(httpConfig),
				looks: scripts.looksAt(paths.http),
				deleteScript: scripts.removeScript(paths.http),
			},
			{ parent: this },
		);
		this.ready = certificate ? this.#https(name, args, certificate, http, site, paths) : http;
		const flag = paths.maintenance;
		const maintenance = {
			script: scripts.maintenanceScript(flag),
			stdin: nginx.maintenance ? "on\n" : "off\n",
			looks: [`file ${flag}`],
			deleteScript: `rm -f ${flag}`,
		};
		const keepRunning = {
			script: scripts.keepRunningScript(paths.keepRunning),
			looks: [`file ${paths.keepRunning}`],
			deleteScript: scripts.forgetKeepRunningScript(paths.keepRunning),
		};
		remoteStep(`${name}-keep-running`, host, keepRunning, { parent: this });
		remoteStep(`${name}-maintenance`, host, maintenance, { parent: this, dependsOn: [http] });
		this.registerOutputs({});
	}

	#https(name: string, args: LoadBalancerArgs, certificate: Certificate, http: pulumi.Resource, site: pulumi.Output<Site>, paths: Paths) {
		const { host } = args;
		const got = certificate.acme
			? remoteStep(
					`${name}-acme`,
					host,
					{
						script: scripts.acmeScript(args.topology.nginx, certificate.acme, paths.acme),
						stdin: certificate.ca,
						looks: [paths.acme.caBundle, paths.acme.dropIn].map((file) => `file ${file}`).concat("unit certbot.timer"),
						deleteScript: scripts.forgetAcmeScript(paths.acme),
					},
					// NGINX serves the challenges.
					{ parent: this, dependsOn: [http] },
				)
			: remoteStep(
					`${name}-certificate`,
					host,
					{
						script: scripts.certificateScript(paths.certificate),
						stdin: certificate.pem,
						looks: [`file ${paths.certificate}`],
						deleteScript: `rm -rf "$(dirname ${paths.certificate})"`,
					},
					{ parent: this },
				);
		const forget = certificate.acme ? "" : `\n${scripts.forgetOtherCertificates(paths.certificate)}`;
		return remoteStep(
			`${name}-https`,
			host,
			{
				script: scripts.applyScript(paths.https, [], { afterwards: `touch ${paths.httpsUp}${forget}` }),
				stdin: site.apply(httpsConfig),
				looks: [...scripts.looksAt(paths.https), `file ${paths.httpsUp}`],
				deleteScript: `rm -f ${paths.httpsUp}; ${scripts.removeScript(paths.https)}`,
			},
			{ parent: this, dependsOn: [http, got] },
		);
	}
}

interface Paths extends SitePaths {
	/** Files NGINX reads. */
	http: string;
	https: string;
	/** A drop-in of NGINX's systemd unit. */
	keepRunning: string;
	acme: scripts.AcmePaths;
	/** Directory of what was taken over. */
	adopted: string;
}

function pathsOf(name: string, certificate: Certificate | undefined): Paths {
	const own = ownFileName(name);
	const challenges = `/var/www/${own}-acme`;
	// A file for each certificate: the one in use stays as it is until the next one has been tested.
	const given = certificate && !certificate.acme ? `/etc/nginx/${own}-tls/${certificate.id}.pem` : "";
	const got = scripts.acmeCertificate(own);
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
	const servers = serving.map(({ host }) => ({ name: host.name, address: host.address }));
	return pulumi
		.output(endpoint)
		.apply((url) => ({ nginx, port: service.publish.published, servers, httpsPort: Number(new URL(url).port || 443), paths }));
}
