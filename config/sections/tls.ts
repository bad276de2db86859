import { z } from "zod";
import { port, secretValue } from "./values.ts";

export const dnsName = z
	.string()
	.max(253)
	.regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use a DNS name in lower case, without wildcards");

const acme = z.strictObject({
	email: z.email().describe("Contact of the ACME account, given when the account is created on the host."),
	domains: z
		.array(dnsName)
		.default([])
		.describe(
			"Names of the certificate; NGINX answers to all of them. Default: the `serverName` of each site. Each must lead to port 80 of the NGINX host.",
		),
	directoryUrl: z
		.string()
		.regex(/^https:\/\/[\w.-]+(:\d{1,5})?(\/[\w.~/-]*)?$/, "use the https:// URL of an ACME directory")
		.default("https://acme-v02.api.letsencrypt.org/directory")
		.describe("Directory of the ACME server. Default: Let's Encrypt. A change gets a new certificate."),
	caCertificateFile: z
		.string()
		.min(1)
		.optional()
		.describe(
			"PEM file where `pulumi` runs: the CA of an ACME server whose certificate is not from a public CA. The host's own CAs stay valid.",
		),
	agreeTos: z.literal(true).describe("You agree to the terms of service of the ACME server."),
});

export const tls = z.strictObject({
	certificate: z
		.string()
		.min(1)
		.optional()
		.describe("Certificate as PEM text, followed by those of the intermediate CAs. A change reloads NGINX."),
	certificateFile: z.string().min(1).optional().describe("The same as a file where `pulumi` runs."),
	key: secretValue
		.optional()
		.describe("Private key of the certificate, PEM, without passphrase. Secret: encrypted config or `{fromEnvironment: NAME}`."),
	keyFile: z.string().min(1).optional().describe("The same as a file where `pulumi` runs. Its content is kept in the state as a secret."),
	acme: acme.optional().describe("Get and renew the certificate by ACME (HTTP-01), with the distribution's certbot."),
	httpsPort: port.default(443).describe("Port NGINX listens on with TLS."),
	redirect: z
		.boolean()
		.default(true)
		.describe("Redirect HTTP to HTTPS once HTTPS is up, with status 308, so that a POST stays a POST. ACME challenges are still served."),
	minVersion: z
		.enum(["TLSv1.2", "TLSv1.3"])
		.default("TLSv1.2")
		.describe("Lowest version of TLS. Ciphers are those of Mozilla's intermediate profile."),
	hstsSeconds: z
		.int()
		.min(0)
		.max(63_072_000)
		.default(0)
		.describe(
			"max-age of Strict-Transport-Security; 0 is off. Browsers remember it: once it is on, they do not use plain HTTP again before it has expired.",
		),
});
