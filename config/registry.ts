import { X509Certificate } from "node:crypto";
import type { Fault } from "../lib/fault.ts";
import { readOperatorFile } from "./operatorFile.ts";
import type { Topology } from "./schema.ts";
import { readSecret } from "./secrets.ts";

type Registry = Topology["registry"];

/** The password, which a registry takes as one line. What is wrong with it is noted as a fault. */
export function readRegistryPassword({ password: value }: Registry, faults: Fault[]): string | undefined {
	if (!value) return undefined;
	const property = "registry.password";
	const password = readSecret(value, property, faults);
	if (/\p{Cc}/u.test(password)) faults.push({ property, remedy: "holds a line feed or another control character: give it without" });
	return password;
}

/** The certificate of the registry's CA. What is wrong with it is noted as a fault. */
export function readRegistryCa({ ca, caFile }: Registry, faults: Fault[]): string | undefined {
	const property = caFile === undefined ? "registry.ca" : "registry.caFile";
	const text = caFile === undefined ? ca : readOperatorFile(caFile, property, "name a certificate file of this machine", faults);
	// What could not be read is a fault already.
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
