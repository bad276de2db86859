import * as pulumi from "@pulumi/pulumi";
import type { Certificate } from "../../../lib/nginx.ts";
import type { HostStepArgs } from "../../host.ts";
import type { NginxPaths } from "./config.ts";
import type { Requirement } from "./upstream.ts";

/* The steps on the NGINX host. */

/** NGINX files made by other means that are taken over, and where they are kept. */
export interface NginxAdoption {
	/** In conf.d or sites-enabled of /etc/nginx. */
	files: string[];
	/** A directory that NGINX does not read. */
	kept: string;
}

export interface SiteFile {
	path: string;
	content: pulumi.Input<string>;
	/** What the host's NGINX must support. */
	requirements?: Requirement[];
	/** Files made by other means that this one replaces, in the same swap. */
	adoption?: NginxAdoption | undefined;
	/** Flag files that say that it is in effect: exactly one for each name. */
	flags?: { directory: string; names: string[] };
	/** The certificate in use: others in its directory are removed once this file is in effect. */
	certificate?: string;
}

/** Puts a file into effect: see host/steps/nginx/site.sh. */
export function siteStep({ path, content, requirements = [], adoption, flags, certificate }: SiteFile): HostStepArgs {
	return {
		step: "nginx/site",
		settings: {
			file: path,
			needs: requirements.map(({ setting, since, remedy }) => `${since} ${setting}: ${remedy}`),
			...(adoption && { adopt: adoption.files, kept: adoption.kept }),
			...(flags && { flags: flags.directory, flagged: flags.names }),
			...(certificate && { certificate }),
		},
		files: [{ path, content, isStaged: true }],
		checks: ["unit nginx", `nginx-has-read ${path}`, ...(flags?.names ?? []).map((name) => `file ${flags?.directory}/${name}`)],
	};
}

/** Makes systemd restart NGINX when it dies; the distribution's unit does not. */
export function keepRunningStep(path: string): HostStepArgs {
	return {
		step: "nginx/keep-running",
		files: [{ path, content: "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=on-failure\nRestartSec=1\n" }],
	};
}

/** Sets the flag file of the maintenance, or removes it. */
export function maintenanceStep(file: string, isOn: boolean): HostStepArgs {
	return { step: "nginx/maintenance", settings: { file, maintenance: isOn ? "on" : "off" }, checks: [`file ${file}`] };
}

/** Puts certificate and key into one file, which only root can read, so that they change together. */
export function certificateStep(path: string, pem: pulumi.Input<string>): HostStepArgs {
	const directory = path.slice(0, path.lastIndexOf("/"));
	return {
		step: "nginx/certificate",
		settings: { directory },
		directories: [{ path: directory, mode: "0700" }],
		files: [{ path, content: pulumi.secret(pem), mode: "0600" }],
	};
}

/** The stack's own ACME files on the host. */
export interface AcmePaths extends Pick<NginxPaths, "challenges"> {
	/** certbot's name for the certificate. */
	name: string;
	/** The host's CAs and the ACME server's, in one file. */
	caBundle: string;
	/** Makes the timer's renewals trust that CA. */
	dropIn: string;
}

/** Where certbot keeps the certificate. */
export const acmeCertificate = (name: string) => `/etc/letsencrypt/live/${name}`;

/** Gets the certificate with certbot. */
export function acmeStep(
	serverNames: string[],
	{ acme, ca }: Extract<Certificate, { ca: string }>,
	{ name, challenges, caBundle, dropIn }: AcmePaths,
): HostStepArgs {
	const files = [
		{ path: caBundle, content: ca, isStaged: true },
		{ path: dropIn, content: `[Service]\nEnvironment=REQUESTS_CA_BUNDLE=${caBundle}\n`, isStaged: true },
	];
	return {
		step: "nginx/acme",
		settings: {
			name,
			email: acme.email,
			server: acme.directoryUrl,
			domains: serverNames.filter((domain) => domain !== "_"),
			challenges,
			bundle: caBundle,
			drop_in: dropIn,
		},
		packages: ["certbot", "openssl"],
		...(ca ? { files } : {}),
		checks: [...(ca ? [] : [`file ${caBundle}`, `file ${dropIn}`]), "unit certbot.timer"],
	};
}
