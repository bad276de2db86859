import { createHash } from "node:crypto";
import pRetry, { AbortError } from "p-retry";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { ChannelSocket } from "./channelSocket.ts";
import { asRoot, type Connection, describeConnection } from "./connection.ts";
import { printable } from "./printable.ts";
import { within } from "./wait.ts";

/** Why a host could not be used: what to mend differs, so callers can tell them apart. */
export type SshFault = "unreachable" | "authentication" | "hostKey" | "privateKey";

export class SshError extends Error {
	readonly fault: SshFault;
	constructor(fault: SshFault, message: string) {
		super(message);
		this.name = "SshError";
		this.fault = fault;
	}
}

/** Whether the host does not answer, which may pass; every other fault needs somebody to mend something. */
export const isUnreachable = (error: unknown): error is SshError => error instanceof SshError && error.fault === "unreachable";

/** The end of a remote command. */
export interface ExecResult {
	stdout: string;
	stderr: string;
	code: number;
}

export interface ExecOptions {
	/** Sent to the command's standard input, then closed. The way for secrets: never in the command itself. */
	stdin?: string | Buffer;
	/** Seconds until the command counts as hung (default 120). */
	deadlineSeconds?: number;
	/** What it says on standard error, as it says it. */
	onStderr?: (text: string) => void;
}

interface Pooled {
	client: Promise<Client>;
	/** When to give up opening it, in milliseconds since 1970: the latest that anyone who waits for it has asked for. */
	giveUp: number;
}

const pool = new Map<string, Pooled>();

/**
 * The shared connection to a host: one per host and process, opened at first use, reopened after it broke.
 *
 * @param deadlineSeconds How long to go on trying while the host does not answer (default 30).
 * @throws SshError at once for a wrong key or host key; `unreachable` after the deadline.
 */
export async function connect(connection: Connection, deadlineSeconds = 30): Promise<Client> {
	const key = `${describeConnection(connection)} ${createHash("sha256").update(JSON.stringify(connection)).digest("hex")}`;
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
	// From the end on nothing can be sent; the close comes a moment later.
	client.then((opened) => opened.once("end", forget).once("close", forget), forget);
	return client;
}

/** Ends every pooled connection, so that a process can exit. */
export async function closeConnections(): Promise<void> {
	const open = [...pool.values()];
	pool.clear();
	for (const { client } of open) await client.then((opened) => opened.end()).catch(() => {});
}

/** Runs a command and collects what it prints. A non-zero exit is a result, not an error. */
export async function exec(connection: Connection, command: string, options: ExecOptions = {}): Promise<ExecResult> {
	const { deadlineSeconds = 120 } = options;
	const client = await connect(connection);
	let channel: ClientChannel | undefined;
	const run = new Promise<ExecResult>((resolve, reject) => {
		const lost = () => reject(new SshError("unreachable", `${describeConnection(connection)}: connection lost during a command`));
		client.once("close", lost);
		client.exec(command, (error, stream) => {
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
				resolve({ stdout, stderr, code: code ?? 255 });
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
			// The pinned algorithm is the only one offered, so a host with another type of key fails in the negotiation.
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

/** As `ssh-keygen -l` shows it. */
function fingerprint(base64: string): string {
	const digest = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64").replace(/=+$/, "");
	return `SHA256:${digest}`;
}
