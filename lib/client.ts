import * as http from "node:http";
import * as https from "node:https";

/**
 * Asks a URL straight, as a browser without a proxy would: neither `http_proxy` nor Node's own NODE_USE_ENV_PROXY has a say, and no redirect is
 * followed.
 */
export class Client {
	readonly #agents: { "http:": http.Agent; "https:": https.Agent };
	readonly #isVerified: boolean;

	/** `isVerified`: a certificate has to be valid. `keepsConnections`: they are used again, as clients' are. */
	constructor({ isVerified, keepsConnections = false }: { isVerified: boolean; keepsConnections?: boolean }) {
		// Only the agent that all of Node shares is told of proxies.
		this.#agents = {
			"http:": new http.Agent({ keepAlive: keepsConnections }),
			"https:": new https.Agent({ keepAlive: keepsConnections }),
		};
		this.#isVerified = isVerified;
	}

	/** HTTP status of a whole answer. `serverName`: asked for instead of the URL's host. @throws Error when none comes in time. */
	status(url: URL, limitSeconds: number, serverName?: string): Promise<number> {
		const isSecure = url.protocol === "https:";
		const options = {
			agent: this.#agents[isSecure ? "https:" : "http:"],
			rejectUnauthorized: this.#isVerified,
			...(serverName && { headers: { host: serverName } }),
			signal: AbortSignal.timeout(limitSeconds * 1000),
		};
		return new Promise((resolve, reject) => {
			const fail = (error: Error) => reject(options.signal.aborted ? new Error(`no answer within ${limitSeconds} s`) : error);
			const request = (isSecure ? https : http).get(url, options, (response) => {
				response.resume();
				response.once("end", () => resolve(response.statusCode ?? 0));
				response.once("error", fail);
			});
			request.once("error", fail);
		});
	}

	/** Ends the connections that were kept. */
	close(): void {
		for (const agent of Object.values(this.#agents)) agent.destroy();
	}
}
