import { createHash } from "node:crypto";
import * as https from "node:https";
import { rootCertificates } from "node:tls";
import pRetry from "p-retry";

/*
 * Asks an image registry, from where `pulumi` runs, for the digest of a tag. Nothing else is asked. It follows the OCI distribution specification, and
 * supports the two logins that registries use: HTTP Basic, and a token from the registry's token server.
 */

/** Port of a stack's own registry. */
export const registryPort = 5000;

/** A registry and how to use it. */
export interface RegistryAccess {
	/** Host, with port when not 443; `docker.io` for Docker Hub. */
	server: string;
	username?: string;
	/** Secret. */
	password?: string;
	/** PEM certificate of its CA, trusted in addition to the public ones. */
	ca?: string;
}

/** Kinds of failure, each with another remedy. */
export type RegistryFault = "unreachable" | "certificate" | "login" | "missing" | "answer";

export class RegistryError extends Error {
	readonly fault: RegistryFault;
	/** Whether the fault may be gone a moment later. */
	readonly passing: boolean;
	constructor(fault: RegistryFault, message: string, passing = false) {
		super(message);
		this.name = "RegistryError";
		this.fault = fault;
		this.passing = passing;
	}
}

interface Answer {
	status: number;
	headers: Record<string, string | string[] | undefined>;
	body: Buffer;
}

const deadlineSeconds = 15;

/** Lists of several platforms come first: Docker, too, pins their digest. */
const manifestTypes = [
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * The present digest of a tag: `sha256:…`.
 *
 * @param repository Name without server and tag.
 * @throws RegistryError that says what failed; a passing one only after two more attempts.
 */
export function tagDigest(registry: RegistryAccess, repository: string, tag: string): Promise<string> {
	const shouldRetry = ({ error }: { error: Error }) => error instanceof RegistryError && error.passing;
	return pRetry(() => askDigest(registry, repository, tag), { retries: 2, minTimeout: 500, shouldRetry });
}

async function askDigest(registry: RegistryAccess, repository: string, tag: string): Promise<string> {
	const isHub = registry.server === "docker.io";
	const host = isHub ? "registry-1.docker.io" : registry.server;
	const name = isHub && !repository.includes("/") ? `library/${repository}` : repository;
	const url = `https://${host}/v2/${name}/manifests/${tag}`;
	let authorization: string | undefined;
	const ask = (method: string) => request(method, url, { accept: manifestTypes, ...(authorization && { authorization }) }, registry);
	// HEAD first: Docker Hub does not count it as a pull.
	let answer = await ask("HEAD");
	if (answer.status === 401) {
		authorization = await login(String(answer.headers["www-authenticate"] ?? ""), registry);
		if (authorization) answer = await ask("HEAD");
	}
	if (answer.status === 200 && answer.headers["docker-content-digest"]) return String(answer.headers["docker-content-digest"]);
	// Only an answer to GET has a body: the manifest, if the registry's header has no digest, or the error.
	answer = await ask("GET");
	if (answer.status === 200) return `sha256:${createHash("sha256").update(answer.body).digest("hex")}`;
	throw refusal(answer, `${registry.server}/${name}:${tag}`);
}

/** The header `Authorization` that the registry needs; undefined if it needs a login and none is configured. */
async function login(challenge: string, registry: RegistryAccess): Promise<string | undefined> {
	const { username = "", password } = registry;
	const basic = password && `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
	if (!/^bearer /i.test(challenge)) return basic;
	const {
		realm = "",
		service,
		scope,
	} = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
	if (!realm.startsWith("https://"))
		throw new RegistryError("answer", `${registry.server}: its token server "${realm}" is not reached by https`);
	const query = new URLSearchParams(Object.entries({ service, scope }).filter(([, value]) => value) as [string, string][]);
	const answer = await request("GET", `${realm}?${query}`, { ...(basic && { authorization: basic }) }, registry);
	if (answer.status !== 200) throw refusal(answer, new URL(realm).host);
	const { token, access_token: accessToken } = parsed(answer.body) as { token?: string; access_token?: string };
	return `Bearer ${token ?? accessToken}`;
}

function refusal({ status, body }: Answer, what: string): RegistryError {
	const { errors, details } = parsed(body) as { errors?: { message?: string }[]; details?: string };
	const words = errors?.[0]?.message ?? details;
	const fault = status === 401 || status === 403 ? "login" : status === 404 ? "missing" : "answer";
	return new RegistryError(fault, `${what}: HTTP ${status}${words ? `: ${words.slice(0, 200)}` : ""}`, status === 429 || status >= 500);
}

function parsed(body: Buffer): object {
	try {
		return Object(JSON.parse(body.toString()));
	} catch {
		return {};
	}
}

function request(method: string, url: string, headers: Record<string, string>, { ca }: RegistryAccess): Promise<Answer> {
	const { host } = new URL(url);
	const signal = AbortSignal.timeout(deadlineSeconds * 1000);
	return new Promise((resolve, reject) => {
		const failed = (error: Error & { code?: string }) => {
			if (signal.aborted) return reject(new RegistryError("unreachable", `${host}: no answer within ${deadlineSeconds} s`));
			const isCertificate = /CERT|SIGNATURE|ERR_TLS/.test(error.code ?? "");
			const message = `${host}: ${error.message || error.code}`;
			reject(isCertificate ? new RegistryError("certificate", message) : new RegistryError("unreachable", message, true));
		};
		const options = { method, headers, signal, agent: false as const, ...(ca && { ca: [...rootCertificates, ca] }) };
		const asked = https.request(url, options, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.once("error", failed);
			response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
		});
		asked.once("error", failed);
		asked.end();
	});
}
