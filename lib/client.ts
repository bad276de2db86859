import * as http from "node:http";
import * as https from "node:https";

/**
 * Requests a URL directly, as a browser without a proxy would: `http_proxy` and Node's own NODE_USE_ENV_PROXY have no effect, and redirects are not
 * followed.
 */
export class Client {
	readonly #agents: { "http:": http.Agent; "https:": https.Agent };
	readonly #isVerified: boolean;

	/** `isVerified`: a certificate must be valid. `keepsConnections`: connections are reused, as real clients do. */
	constructor({ isVerified, keepsConnections = false }: { isVerified: boolean; keepsConnections?: boolean }) {
		// Own agents: proxy settings affect only Node's global agent.
		this.#agents = {
			"http:": new http.Agent({ keepAlive: keepsConnections }),
			"https:": new https.Agent({ keepAlive: keepsConnections }),
		};
		this.#isVerified = isVerified;
	}

	/** HTTP status of a complete answer. `serverName`: requested instead of the URL's host. @throws Error when no answer comes in time. */
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

	/** Closes kept connections. */
	close(): void {
		for (const agent of Object.values(this.#agents)) agent.destroy();
	}
}
