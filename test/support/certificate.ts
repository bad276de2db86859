import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A certificate and its key, in PEM. */
export interface Pair {
	certificate: string;
	key: string;
}

export interface CertificateOptions {
	/** Default: self-signed. */
	issuer?: Pair;
	days?: number;
	ca?: boolean;
	/** `ec` for P-256, or `rsa:BITS`. */
	algorithm?: string;
}

/**
 * Makes a certificate with the openssl program: for names as in subjectAltName (`DNS:was.example.org`, `IP:127.0.0.1`), self-signed or by an
 * issuer, valid from now.
 */
export function makeCertificate(names: string[], { issuer, days = 90, ca = false, algorithm = "ec" }: CertificateOptions = {}): Pair {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-certificate-"));
	const file = (name: string) => path.join(directory, name);
	const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
	try {
		const extensions = [
			`basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`,
			...(names.length > 0 ? [`subjectAltName=${names.join(",")}`] : []),
		];
		const subject = `/CN=test ${ca ? "CA" : "site"} ${Math.random().toString(36).slice(2, 8)}`;
		const parameters = algorithm === "ec" ? ["-pkeyopt", "ec_paramgen_curve:P-256"] : [];
		const key = ["-newkey", algorithm, ...parameters, "-nodes", "-keyout", file("key.pem")];
		if (issuer) {
			fs.writeFileSync(file("issuer.pem"), issuer.certificate);
			fs.writeFileSync(file("issuer.key"), issuer.key, { mode: 0o600 });
			fs.writeFileSync(file("extensions"), extensions.join("\n"));
			openssl("req", "-new", ...key, "-subj", subject, "-out", file("request.pem"));
			const by = ["-CA", file("issuer.pem"), "-CAkey", file("issuer.key"), "-CAcreateserial", "-extfile", file("extensions")];
			openssl("x509", "-req", "-in", file("request.pem"), ...by, "-days", `${days}`, "-out", file("certificate.pem"));
		} else {
			const added = extensions.flatMap((extension) => ["-addext", extension]);
			openssl("req", "-x509", ...key, "-subj", subject, ...added, "-days", `${days}`, "-out", file("certificate.pem"));
		}
		return { certificate: fs.readFileSync(file("certificate.pem"), "utf8"), key: fs.readFileSync(file("key.pem"), "utf8") };
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
}
