import { createHash } from "node:crypto";

/** How to reach one host over SSH. The same shape as `command.types.input.remote.ConnectionArgs`. */
export interface Connection {
	/** Address or DNS name, as seen from where `pulumi` runs (or from the bastion, when `proxy` is set). */
	host: string;
	/** TCP port of sshd. */
	port: number;
	/** Login name: root, or a user who may run `sudo -n`. */
	user: string;
	/** Private key, OpenSSH or PEM format. Secret. */
	privateKey: string;
	/** The host's public key as in known_hosts, without the host part: `ssh-ed25519 AAAA…`. Never optional: a host without a pinned key is refused. */
	hostKey: string;
	/** Bastion to connect through, with its own pinned key. */
	proxy?: Connection;
}

/** `user@host:port`, for messages and as the key of the connection pool. */
export function describeConnection(c: Connection): string {
	const via = c.proxy ? ` via ${describeConnection(c.proxy)}` : "";
	return `${c.user}@${c.host}:${c.port}${via}`;
}

/** A key that identifies a connection, with its credentials. */
export const connectionKey = (c: Connection): string =>
	`${describeConnection(c)} ${createHash("sha256").update(JSON.stringify(c)).digest("hex")}`;

/** A host's URL for the Docker provider. Bastion, key and pinned host key are in its options (lib/sshOptions.ts). */
export const sshUrl = ({ user, host, port }: Connection): string => `ssh://${user}@${host}:${port}`;

/** A line printed before a command's own output. What a login prints (`.bashrc`, `/etc/profile`) comes before it, and does not belong to the answer. */
const beginning = "scaleout-begins";

/** The command, preceded by that line, for any login shell. */
export const marked = (command: string): string => `echo ${beginning}; ${command}`;

/** What the command itself has printed; undefined until that line has come. */
export function afterMark(printed: string): string | undefined {
	const at = printed.indexOf(`${beginning}\n`);
	return at < 0 ? undefined : printed.slice(at + beginning.length + 1);
}

/** Quotes one word for a POSIX shell, which then interprets nothing in it. */
export function shellQuote(word: string): string {
	return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What comes before a command that runs as root: nothing for root itself. */
export const sudo = (user: string): string => (user === "root" ? "" : "sudo -n ");

/**
 * A command line that runs `script` with bash as root, whoever logs in. Standard input is left to the script. Whatever the host's umask, files that the
 * script writes are writable by root and readable by all, unless the script restricts that.
 */
export function asRoot(user: string, script: string): string {
	// --norc: started by sshd, bash would read its start-up file, and `-u` would fail there.
	const bash = `bash --norc -euo pipefail -c ${shellQuote(`umask 022\n${script}`)}`;
	return `${sudo(user)}${bash}`;
}
