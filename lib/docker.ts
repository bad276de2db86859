import { Agent, type AgentOptions } from "node:http";
import type { Duplex } from "node:stream";
import Docker from "dockerode";
import pLimit from "p-limit";
import type { ClientChannel } from "ssh2";
import { ChannelSocket } from "./channelSocket.ts";
import { type Connection, connectionKey, describeConnection, marked } from "./connection.ts";
import { printable } from "./printable.ts";
import { connect, SshError } from "./ssh.ts";
import { DeadlineError } from "./wait.ts";

/** One client for each connection, so that its open streams are shared. */
const clients = new Map<string, Docker>();

/**
 * The Docker Engine API of a host, over its shared SSH connection. Root reaches the socket by stream-local forwarding, which starts no process on
 * the host; other users by `sudo docker system dial-stdio`, as with the docker CLI.
 */
export function dockerOn(connection: Connection): Docker {
	const key = connectionKey(connection);
	const known = clients.get(key) ?? clientOf(connection);
	clients.set(key, known);
	return known;
}

function clientOf(connection: Connection): Docker {
	// `agent` is documented by docker-modem but absent from the types.
	const docker = new Docker({
		protocol: "http",
		host: describeConnection(connection).replace(/[^a-z0-9.]/gi, "-"),
		port: 2375,
		agent: new SshAgent(connection),
	} as Docker.DockerOptions);
	endInTime(docker, describeConnection(connection));
	retryPassingFaults(docker);
	if (connection.user !== "root") limitRequests(docker);
	return docker;
}

/** The part of the client that sends requests. Its types lack it. */
export interface Modem {
	dial(options: DockerRequest, callback: DockerCallback): void;
}
export interface DockerRequest {
	method: string;
	path: string;
	file?: unknown;
	abortSignal?: AbortSignal;
}
export type DockerCallback = (error: Error | null, data?: unknown) => void;

/** Puts something around each request of the client, and around all that was put there before. */
function aroundRequests(docker: Docker, wrap: (dial: Modem["dial"]) => Modem["dial"]): void {
	const modem = docker.modem as unknown as Modem;
	modem.dial = wrap(modem.dial.bind(modem));
}

/** Docker itself has no limit: a request about a volume waits for the volume's NFS server. */
const requestSeconds = 120;

/** Makes a request that takes too long fail with DeadlineError. The client's own `timeout` needs a socket's timers, which a channel lacks. */
function endInTime(docker: Docker, host: string): void {
	aroundRequests(docker, (dial) => (options, callback) => {
		const abortSignal = AbortSignal.timeout(requestSeconds * 1000);
		const what = `Docker on ${host}: ${options.method} ${options.path.replace(/\?$/, "")}`;
		let isDone = false;
		const done: DockerCallback = (error, data) => {
			if (isDone) return;
			isDone = true;
			// Node keeps a signal that has a listener, and all that the listener refers to, until its time is over.
			abortSignal.removeEventListener("abort", late);
			callback(error && abortSignal.aborted ? new DeadlineError(what, requestSeconds, "no answer") : error, data);
		};
		// A request that still waits for its channel does not see the abort.
		const late = () => done(new Error("aborted"));
		abortSignal.addEventListener("abort", late);
		dial({ ...options, abortSignal }, done);
	});
}

/** Errors of a busy or just restarted manager, until the managers agree; a moment later the same request may succeed. */
const passingFault = /code = (DeadlineExceeded|Unavailable)|does not have a leader/;
const attempts = 10;

/** Makes the client repeat a request when Swarm answers with a passing fault. All requests here can be sent twice. */
function retryPassingFaults(docker: Docker): void {
	aroundRequests(docker, (dial) => (options, callback) => {
		const attempt = (number: number) =>
			dial(options, (error, data) => {
				if (error && passingFault.test(error.message) && number < attempts && !options.file) setTimeout(attempt, 500 * number, number + 1);
				else callback(error, data);
			});
		attempt(1);
	});
}

/** Seconds that an idle stream to Docker is kept. */
const idleSeconds = 5;

/**
 * Concurrent requests by a user who is not root. Each holds a session, and sshd allows ten per connection by default, including those of commands
 * (lib/ssh.ts). The agent's own `maxSockets` does not count a stream that is being opened.
 */
const requestsAtOnce = 5;

function limitRequests(docker: Docker): void {
	const limit = pLimit(requestsAtOnce);
	aroundRequests(
		docker,
		(dial) => (options, callback) =>
			void limit(
				() =>
					new Promise<void>((resolve) =>
						dial(options, (error, data) => {
							resolve();
							callback(error, data);
						}),
					),
			),
	);
}

class SshAgent extends Agent {
	readonly #connection: Connection;
	readonly #idle = new WeakMap<Duplex, NodeJS.Timeout>();

	constructor(connection: Connection, options: AgentOptions = {}) {
		super({ ...options, keepAlive: true });
		this.#connection = connection;
	}

	override keepSocketAlive(stream: Duplex): boolean {
		this.#idle.set(stream, setTimeout(() => stream.destroy(), idleSeconds * 1000).unref());
		return true;
	}

	override reuseSocket(stream: Duplex): void {
		clearTimeout(this.#idle.get(stream));
	}

	// When no socket is returned, Node's http.Agent waits for the callback.
	override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): Duplex | null | undefined {
		openDockerStream(this.#connection).then(
			(channel) => callback?.(null, new ChannelSocket(channel, this.#connection.user !== "root")),
			(error) => callback?.(error, undefined as never),
		);
		return undefined;
	}
}

/** @throws SshError, or ends the stream with one. It is `unreachable` also if only Docker does not answer (stopped or not installed). */
async function openDockerStream(connection: Connection): Promise<ClientChannel> {
	const client = await connect(connection);
	const silent = (why: string) =>
		new SshError("unreachable", `${describeConnection(connection)}: Docker does not answer: ${printable(why)}`);
	return new Promise((resolve, reject) => {
		const opened = (error: Error | undefined, channel: ClientChannel) => (error ? reject(silent(error.message)) : resolve(channel));
		if (connection.user === "root") return client.openssh_forwardOutStreamLocal("/var/run/docker.sock", opened);
		client.exec(marked("exec sudo -n docker system dial-stdio"), (error, channel) => {
			if (error) return reject(silent(error.message));
			let complaint = "";
			channel.stderr.setEncoding("utf8").on("data", (data: string) => {
				complaint += data;
			});
			// The command always starts; only then does it report that there is no Docker.
			channel.once("end", () => complaint && channel.emit("error", silent(complaint.trim())));
			resolve(channel);
		});
	});
}
