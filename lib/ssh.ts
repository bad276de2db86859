import { createHash } from "node:crypto";
import pLimit, { type LimitFunction } from "p-limit";
import pRetry, { AbortError } from "p-retry";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { ChannelSocket } from "./channelSocket.ts";
import { afterMark, asRoot, type Connection, connectionKey, describeConnection, marked } from "./connection.ts";
import { printable } from "./printable.ts";
import { within } from "./wait.ts";

/** Why a host could not be used. Each fault has another remedy, so callers can distinguish them. */
export type SshFault = "unreachable" | "authentication" | "hostKey" | "privateKey";

export class SshError extends Error {
	readonly fault: SshFault;
	constructor(fault: SshFault, message: string) {
		super(message);
		this.name = "SshError";
		this.fault = fault;
	}
}

/** Whether the host does not answer, which may pass. Every other fault must be repaired by someone. */
export const isUnreachable = (error: unknown): error is SshError => error instanceof SshError && error.fault === "unreachable";

/** The end of a remote command. */
export interface ExecResult {
	stdout: string;
	stderr: string;
	code: number;
}

export interface ExecOptions {
	/** Sent to the command's standard input, which is then closed. Secrets must go here, never into the command itself. */
	stdin?: string | Buffer;
	/** Seconds until the command counts as hung (default 120). */
	deadlineSeconds?: number;
	/** Called with what the command prints on standard error, as it comes. */
	onStderr?: (text: string) => void;
}

interface Pooled {
	client: Promise<Client>;
	/** When to stop trying to open it, in milliseconds since 1970: the latest time that any waiting caller has asked for. */
	giveUp: number;
}

const pool = new Map<string, Pooled>();

/**
 * The shared connection to a host: one per host and process, opened at first use, reopened after it broke.
 *
 * @param deadlineSeconds How long to keep trying while the host does not answer (default 30).
 * @throws SshError at once for a wrong key or host key; `unreachable` after the deadline.
 */
export async function connect(connection: Connection, deadlineSeconds = 30): Promise<Client> {
	const key = connectionKey(connection);
	const giveUp = Date.now() + deadlineSeconds * 1000;
	const known = pool.get(key);
	if (known) {
		known.giveUp = Math.max(known.giveUp, giveUp);
		return known.client;
	}
	const pooled: Partial<Pooled> & Pick<Pooled, "giveUp"> = { giveUp };
	const client = dialUntil(connection, pooled);
	pool.set(key, Object.assign(pooled, { client }));
	const forget = () => pool.get(key) === pooled && pool.delete(key);
	// After the end nothing can be sent; the close comes a moment later.
	client.then((opened) => opened.once("end", forget).once("close", forget), forget);
	return client;
}

/** Ends every pooled connection, so that a process can exit. */
export async function closeConnections(): Promise<void> {
	const open = [...pool.values()];
	pool.clear();
	for (const { client } of open) await client.then((opened) => opened.end()).catch(() => {});
}

/**
 * Concurrent commands on a connection. By default sshd allows ten sessions per connection (MaxSessions), and refuses the eleventh: these and the ones to
 * Docker (lib/docker.ts) are fewer.
 */
const commandsAtOnce = 4;
const limits = new Map<string, LimitFunction>();

/** Runs a command and collects what it prints. A non-zero exit is a result, not an error. */
export async function exec(connection: Connection, command: string, options: ExecOptions = {}): Promise<ExecResult> {
	// Connected here, before the limit, so that all callers that wait for a silent host give up together.
	await connect(connection);
	const key = connectionKey(connection);
	const limit = limits.get(key) ?? pLimit(commandsAtOnce);
	limits.set(key, limit);
	// The connection may have broken in the meantime.
	return limit(async () => execOn(await connect(connection), connection, command, options));
}

async function execOn(client: Client, connection: Connection, command: string, options: ExecOptions): Promise<ExecResult> {
	const { deadlineSeconds = 120 } = options;
	let channel: ClientChannel | undefined;
	const run = new Promise<ExecResult>((resolve, reject) => {
		const lost = () => reject(new SshError("unreachable", `${describeConnection(connection)}: connection lost during a command`));
		client.once("close", lost);
		client.exec(marked(command), (error, stream) => {
			if (error) return reject(error);
			channel = stream;
			let stdout = "";
			let stderr = "";
			stream.setEncoding("utf8").on("data", (data: string) => {
				stdout += data;
			});
			stream.stderr.setEncoding("utf8").on("data", (data: string) => {
				stderr += data;
				options.onStderr?.(printable(data.trim()));
			});
			stream.on("close", (code: number | null) => {
				client.off("close", lost);
				resolve({ stdout: afterMark(stdout) ?? stdout, stderr, code: code ?? 255 });
			});
			stream.end(options.stdin ?? "");
		});
	});
	try {
		return await within(`command on ${describeConnection(connection)}`, deadlineSeconds, run);
	} catch (error) {
		channel?.close();
		throw error;
	}
}

/** Runs a bash script as root and returns its standard output. @throws Error with the script's standard error when it fails. */
export async function execAsRoot(connection: Connection, script: string, options: ExecOptions = {}): Promise<string> {
	const { stdout, stderr, code } = await exec(connection, asRoot(connection.user, script), options);
	if (code !== 0) throw new Error(`${describeConnection(connection)}: exit status ${code}: ${printable(stderr.trim() || stdout.trim())}`);
	return stdout;
}

async function dialUntil(connection: Connection, deadline: Pick<Pooled, "giveUp">): Promise<Client> {
	const attempt = async () => {
		try {
			return await dial(connection, (deadline.giveUp - Date.now()) / 1000);
		} catch (error) {
			if (!isUnreachable(error) || Date.now() > deadline.giveUp) throw new AbortError(error as Error);
			throw error;
		}
	};
	return pRetry(attempt, { retries: Number.POSITIVE_INFINITY, minTimeout: 500, factor: 1.5, maxTimeout: 3000 });
}

/** `bastionSeconds`: how long the bastion may take to answer. */
async function dial(connection: Connection, bastionSeconds: number): Promise<Client> {
	const name = describeConnection(connection);
	const key = ssh2.utils.parseKey(connection.privateKey);
	if (key instanceof Error) throw new SshError("privateKey", `${name}: the private key cannot be read: ${key.message}`);
	const [algorithm = "", expected = ""] = connection.hostKey.trim().split(/\s+/);
	const sock = connection.proxy ? await tunnel(connection.proxy, connection, bastionSeconds) : undefined;
	const client = new ssh2.Client();
	return new Promise<Client>((resolve, reject) => {
		let seen = "";
		client.on("error", (error: Error & { level?: string }) => {
			if (seen && seen !== expected) {
				const message = `${name}: host key ${fingerprint(seen)} is not the pinned ${fingerprint(expected)}`;
				return reject(new SshError("hostKey", message));
			}
			// Only the pinned algorithm is offered, so the negotiation fails with a host that has another type of key.
			if (/no matching host key/i.test(error.message)) {
				return reject(new SshError("hostKey", `${name}: the host has no ${algorithm} host key, as pinned`));
			}
			if (error.level === "client-authentication") {
				return reject(new SshError("authentication", `${name}: the host refused user "${connection.user}" with this private key`));
			}
			reject(new SshError("unreachable", `${name}: ${error.message}`));
		});
		client.once("close", () => reject(new SshError("unreachable", `${name}: closed before login`)));
		client.once("ready", () => resolve(client));
		client.connect({
			host: connection.host,
			port: connection.port,
			username: connection.user,
			privateKey: connection.privateKey,
			sock,
			readyTimeout: 20_000,
			keepaliveInterval: 10_000,
			keepaliveCountMax: 3,
			algorithms: { serverHostKey: [algorithm as "ssh-ed25519"] },
			hostVerifier: (presented: Buffer) => {
				seen = presented.toString("base64");
				return seen === expected;
			},
		});
	});
}

async function tunnel(bastion: Connection, { host, port }: Connection, deadlineSeconds: number): Promise<ChannelSocket> {
	const client = await connect(bastion, deadlineSeconds);
	return new Promise((resolve, reject) => {
		client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
			if (error) reject(new SshError("unreachable", `${host}:${port} via ${describeConnection(bastion)}: ${error.message}`));
			else resolve(new ChannelSocket(channel));
		});
	});
}

/** In the form of `ssh-keygen -l`. */
function fingerprint(base64: string): string {
	const digest = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64").replace(/=+$/, "");
	return `SHA256:${digest}`;
}
