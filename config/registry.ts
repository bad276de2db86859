import { X509Certificate } from "node:crypto";
import type { Fault } from "../lib/fault.ts";
import { readOperatorFile } from "./operatorFile.ts";
import type { Topology } from "./schema.ts";
import { readSecret } from "./secrets.ts";

type Registry = Topology["registry"];

/** The password, which must be one line for a registry. Adds its faults. */
export function readRegistryPassword({ password: value }: Registry, faults: Fault[]): string | undefined {
	if (!value) return undefined;
	const property = "registry.password";
	const password = readSecret(value, property, faults);
	if (/\p{Cc}/u.test(password)) faults.push({ property, remedy: "holds a line feed or another control character: give it without" });
	return password;
}

/** The certificate of the registry's CA. Adds its faults. */
export function readRegistryCa({ ca, caFile }: Registry, faults: Fault[]): string | undefined {
	const property = caFile === undefined ? "registry.ca" : "registry.caFile";
	const text = caFile === undefined ? ca : readOperatorFile(caFile, property, "name a certificate file of this machine", faults);
	// A file that could not be read is already a fault.
	if (!text) return undefined;
	const { validTo } = parseCertificate(text) ?? {};
	const refuse = (remedy: string) => faults.push({ property, ...(caFile !== undefined && { value: caFile }), remedy });
	if (!validTo) refuse("is no certificate in PEM form: use -----BEGIN CERTIFICATE----- and so on");
	else if (new Date(validTo) < new Date()) refuse(`the certificate ended on ${validTo}: use the CA's present one`);
	return text;
}

function parseCertificate(text: string): X509Certificate | undefined {
	try {
		return new X509Certificate(text);
	} catch {
		return undefined;
	}
}
