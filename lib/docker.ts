import { Agent, type AgentOptions } from "node:http";
import type { Duplex } from "node:stream";
import Docker from "dockerode";
import type { ClientChannel } from "ssh2";
import { ChannelSocket } from "./channelSocket.ts";
import { type Connection, describeConnection } from "./connection.ts";
import { printable } from "./printable.ts";
import { connect, SshError } from "./ssh.ts";
import { DeadlineError } from "./wait.ts";

/**
 * The Docker Engine API of a host, spoken over its shared SSH connection. Root reaches the socket by stream-local forwarding, which starts
 * no process on the host; another user by `sudo docker system dial-stdio`, as the docker CLI does.
 */
export function dockerOn(connection: Connection): Docker {
	// `agent` is documented by docker-modem but absent from the types.
	const docker = new Docker({
		protocol: "http",
		host: describeConnection(connection).replace(/[^a-z0-9.]/gi, "-"),
		port: 2375,
		agent: new SshAgent(connection),
	} as Docker.DockerOptions);
	endInTime(docker, describeConnection(connection));
	retryPassingFaults(docker);
	return docker;
}

/** What the client sends each request by, which its types leave out. */
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

/** Docker itself sets no limit: what it is asked about a volume waits for the volume's NFS server. */
const requestSeconds = 120;

/** Has a request fail with DeadlineError. The client's own `timeout` wants timers of the socket, which a channel has not. */
function endInTime(docker: Docker, host: string): void {
	const modem = docker.modem as unknown as Modem;
	const dial = modem.dial.bind(modem);
	modem.dial = (options, callback) => {
		const abortSignal = AbortSignal.timeout(requestSeconds * 1000);
		const what = `Docker on ${host}: ${options.method} ${options.path.replace(/\?$/, "")}`;
		let isDone = false;
		const done: DockerCallback = (error, data) => {
			if (isDone) return;
			isDone = true;
			// Node keeps a signal with somebody who listens, and all that he knows, until it is over.
			abortSignal.removeEventListener("abort", late);
			callback(error && abortSignal.aborted ? new DeadlineError(what, requestSeconds, "no answer") : error, data);
		};
		// A request that waits for its channel is not told that it is aborted.
		const late = () => done(new Error("aborted"));
		abortSignal.addEventListener("abort", late);
		dial({ ...options, abortSignal }, done);
	};
}

/** What a busy or just restarted manager answers while its managers agree, and would not a moment later. */
const passingFault = /code = (DeadlineExceeded|Unavailable)|does not have a leader/;
const attempts = 10;

/** Has the client ask again when Swarm answers with a passing fault. All that is asked here can be asked twice. */
function retryPassingFaults(docker: Docker): void {
	const modem = docker.modem as unknown as Modem;
	const dial = modem.dial.bind(modem);
	modem.dial = (options, callback) => {
		const attempt = (number: number) =>
			dial(options, (error, data) => {
				if (error && passingFault.test(error.message) && number < attempts && !options.file) setTimeout(attempt, 500 * number, number + 1);
				else callback(error, data);
			});
		attempt(1);
	};
}

class SshAgent extends Agent {
	readonly #connection: Connection;

	constructor(connection: Connection, options: AgentOptions = {}) {
		// sshd allows ten channels a connection by default: leave room for commands.
		super({ ...options, keepAlive: true, maxSockets: 5 });
		this.#connection = connection;
	}

	// Node's http.Agent hands over a callback when no socket is returned.
	override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): Duplex | null | undefined {
		openDockerStream(this.#connection).then(
			(channel) => callback?.(null, new ChannelSocket(channel)),
			(error) => callback?.(error, undefined as never),
		);
		return undefined;
	}
}

/** @throws SshError, or has the stream end with one: `unreachable` also where only Docker is, stopped or not installed. */
async function openDockerStream(connection: Connection): Promise<ClientChannel> {
	const client = await connect(connection);
	const silent = (why: string) =>
		new SshError("unreachable", `${describeConnection(connection)}: Docker does not answer: ${printable(why)}`);
	return new Promise((resolve, reject) => {
		const opened = (error: Error | undefined, channel: ClientChannel) => (error ? reject(silent(error.message)) : resolve(channel));
		if (connection.user === "root") return client.openssh_forwardOutStreamLocal("/var/run/docker.sock", opened);
		client.exec("sudo -n docker system dial-stdio", (error, channel) => {
			if (error) return reject(silent(error.message));
			let complaint = "";
			channel.stderr.setEncoding("utf8").on("data", (data: string) => {
				complaint += data;
			});
			// It starts in any case, and says only then that there is no Docker.
			channel.once("end", () => complaint && channel.emit("error", silent(complaint.trim())));
			resolve(channel);
		});
	});
}
