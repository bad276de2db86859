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
	/** The host's public key as in known_hosts, without the host part: `ssh-ed25519 AAAA…`. Never optional: an unpinned host is refused. */
	hostKey: string;
	/** Bastion to go through, pinned the same way. */
	proxy?: Connection;
}

/** `user@host:port`, for messages and as the key of the connection pool. */
export function describeConnection(c: Connection): string {
	const via = c.proxy ? ` via ${describeConnection(c.proxy)}` : "";
	return `${c.user}@${c.host}:${c.port}${via}`;
}

/** How the Docker provider is told a host; the ways there, the key and the pin are in its options (lib/sshOptions.ts). */
export const sshUrl = ({ user, host, port }: Connection): string => `ssh://${user}@${host}:${port}`;

/** Quotes one word for a POSIX shell, so that nothing in it is interpreted. */
export function shellQuote(word: string): string {
	return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A command line that runs `script` by bash as root, whoever logs in. Standard input is left to the script. What it writes is for root to change
 * and for all to read, whatever the host's own umask: the script says where less is right.
 */
export function asRoot(user: string, script: string): string {
	// --norc: bash reads its start-up file when sshd starts it, and `-u` would fail there.
	const bash = `bash --norc -euo pipefail -c ${shellQuote(`umask 022\n${script}`)}`;
	return user === "root" ? bash : `sudo -n ${bash}`;
}
