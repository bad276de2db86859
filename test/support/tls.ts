import * as http from "node:http";
import * as https from "node:https";
import * as tls from "node:tls";

export interface Answer {
	status: number;
	headers: http.IncomingHttpHeaders;
	body: string;
}

/** What a client trusts, and the name it expects. */
export interface Trust {
	ca: string;
	servername?: string;
}

/** One request on a connection of its own; it follows no redirect. Over HTTPS the certificate is verified. */
export function ask(url: string, options: http.RequestOptions & { body?: string } & Partial<Trust> = {}): Promise<Answer> {
	const client = url.startsWith("https:") ? https : http;
	return new Promise((resolve, reject) => {
		const request = client.request(url, { agent: false, ...options }, (response) => {
			let body = "";
			response.on("data", (data) => {
				body += data;
			});
			response.once("error", reject);
			response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
		});
		request.once("error", reject);
		request.end(options.body);
	});
}

/** The serial number of the certificate that is presented. @throws Error with the code of the alert, when no connection comes about. */
export async function handshake(port: number, trust: Trust, version?: tls.SecureVersion): Promise<{ protocol: string; serial: string }> {
	// The client itself would do without the old versions.
	const range = version && { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" };
	const socket = tls.connect({ host: "127.0.0.1", port, ...trust, ...range });
	try {
		return await new Promise((resolve, reject) => {
			socket.once("secureConnect", () =>
				resolve({ protocol: socket.getProtocol() ?? "none", serial: socket.getPeerCertificate().serialNumber }),
			);
			socket.once("error", reject);
		});
	} finally {
		socket.destroy();
	}
}
