import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { Fault } from "../lib/fault.ts";
import type { Certificate } from "../lib/nginx.ts";
import { readOperatorFile } from "./operatorFile.ts";
import type { Topology } from "./schema.ts";
import { readSecret } from "./secrets.ts";

type Tls = NonNullable<Topology["nginx"]["tls"]>;

const dayMs = 86_400_000;
const nearEndDays = 14;
const fileRemedy = "name a PEM file of this machine";

/** Reads and checks the certificate for HTTPS. Adds its faults to `faults`, and to `lints` that it expires soon. */
export function readCertificate(
	{ tls, sites }: Topology["nginx"],
	faults: Fault[],
	lints: Fault[],
	now = new Date(),
): Certificate | undefined {
	if (!tls) return undefined;
	return tls.acme
		? acmeOf(tls.acme, faults)
		: givenOf(
				tls,
				sites.map(({ serverName }) => serverName),
				now,
				faults,
				lints,
			);
}

function acmeOf(acme: NonNullable<Tls["acme"]>, faults: Fault[]): Certificate {
	const property = "nginx.tls.acme.caCertificateFile";
	const ca = acme.caCertificateFile ? readOperatorFile(acme.caCertificateFile, property, fileRemedy, faults) : "";
	if (ca) faults.push(...chainOf(ca, property).faults);
	return { acme: { email: acme.email, directoryUrl: acme.directoryUrl }, ca };
}

function givenOf(tls: Tls, serverNames: string[], now: Date, faults: Fault[], lints: Fault[]): Certificate {
	const properties = {
		certificate: `nginx.tls.${tls.certificateFile ? "certificateFile" : "certificate"}`,
		key: `nginx.tls.${tls.keyFile ? "keyFile" : "key"}`,
	};
	const before = faults.length;
	const read = (file: string, property: string) => readOperatorFile(file, property, fileRemedy, faults);
	const chain = tls.certificateFile ? read(tls.certificateFile, properties.certificate) : (tls.certificate ?? "");
	const key = tls.keyFile ? read(tls.keyFile, properties.key) : readSecret(tls.key ?? "", properties.key, faults);
	// A file that could not be read is already a fault.
	if (faults.length === before) faults.push(...certificateFaults({ chain, key, serverNames, now, properties }));
	lints.push(...certificateLints(chain, properties.certificate, now));
	const id = createHash("sha256").update(chain.trim()).digest("hex").slice(0, 12);
	return { id, pem: pulumi.secret(`${chain.trim()}\n${key.trim()}\n`) };
}

export interface CertificateFiles {
	/** PEM: the certificate, then those of the intermediate CAs. */
	chain: string;
	/** PEM. */
	key: string;
	/** One for each site. */
	serverNames: string[];
	now: Date;
	/** Their paths in the configuration. */
	properties: { certificate: string; key: string };
}

/** All faults of a certificate and its key. No fault contains any part of the key. Pure. */
export function certificateFaults({ chain, key, serverNames, now, properties }: CertificateFiles): Fault[] {
	const { certificate: property, key: keyProperty } = properties;
	const { certificates, faults } = chainOf(chain, property);
	const privateKey = privateKeyOf(key);
	if (typeof privateKey === "string") faults.push({ property: keyProperty, remedy: privateKey });
	const [leaf, ...issuers] = certificates;
	if (!leaf) return faults;
	const [from, to] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
	if (to <= now) faults.push({ property, value: to.toISOString(), remedy: "the certificate has expired: renew it" });
	if (from > now)
		faults.push({ property, value: from.toISOString(), remedy: "the certificate is not valid yet: check it, and this machine's clock" });
	if (typeof privateKey !== "string" && !leaf.checkPrivateKey(privateKey))
		faults.push({ property: keyProperty, remedy: "is not the key of the first certificate: the site's own certificate stands first" });
	issuers.forEach((issuer, i) => {
		if (!(certificates[i] as X509Certificate).checkIssued(issuer))
			faults.push({ property, remedy: `certificate ${i + 2} did not issue certificate ${i + 1}: put each before the one of its issuer` });
	});
	serverNames.forEach((serverName, i) => {
		if (!covers(leaf, serverName))
			faults.push({
				property: `nginx.sites[${i}].serverName`,
				value: serverName,
				remedy: `the certificate is for ${leaf.subjectAltName ?? "no name at all"}: use one that names it, or another serverName`,
			});
	});
	return faults;
}

/** Warns of a certificate that expires soon. Pure. */
export function certificateLints(chain: string, property: string, now: Date): Fault[] {
	const to = chainOf(chain, property).certificates[0]?.validTo;
	const daysLeft = to ? (new Date(to).getTime() - now.getTime()) / dayMs : Number.POSITIVE_INFINITY;
	if (daysLeft < 0 || daysLeft >= nearEndDays) return [];
	return [
		{ property, value: new Date(to as string).toISOString(), remedy: `the certificate ends in ${Math.floor(daysLeft)} days: renew it` },
	];
}

function chainOf(text: string, property: string): { certificates: X509Certificate[]; faults: Fault[] } {
	const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
	try {
		if (/PRIVATE KEY-----/.test(text)) throw new Error("holds a private key");
		if (blocks.length === 0) throw new Error("holds no PEM certificate");
		return { certificates: blocks.map((block) => new X509Certificate(block)), faults: [] };
	} catch (error) {
		const problem = (error as Error & { code?: string }).code ? "holds a certificate that cannot be read" : (error as Error).message;
		return { certificates: [], faults: [{ property, remedy: `${problem}: give one that begins with -----BEGIN CERTIFICATE-----` }] };
	}
}

/** The key, or its fault. */
function privateKeyOf(text: string): KeyObject | string {
	if (/ENCRYPTED/.test(text)) return "is protected by a passphrase, and NGINX has none: give it without (openssl pkey -in FILE)";
	try {
		return createPrivateKey(text);
	} catch {
		return "is no private key in PEM: give one that begins with -----BEGIN PRIVATE KEY-----";
	}
}

/** Whether the certificate is for the site's name. `_` means any name, so any certificate will do. */
function covers(certificate: X509Certificate, serverName: string): boolean {
	if (serverName === "_") return true;
	if (isIP(serverName)) return certificate.checkIP(serverName) !== undefined;
	// For a wildcard, one sample name shows it.
	return certificate.checkHost(serverName.replace(/^\*(?=\.)/, "any-name"), { subject: "never" }) !== undefined;
}
