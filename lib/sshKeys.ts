import ssh2 from "ssh2";

/** An SSH key pair. */
export interface KeyPair {
	/** OpenSSH format. Secret. */
	private: string;
	/** As in authorized_keys: `ssh-ed25519 AAAA…`. */
	public: string;
}

/** A new Ed25519 key pair, without a passphrase. */
export function newKeyPair(): KeyPair {
	for (;;) {
		const pair = ssh2.utils.generateKeyPairSync("ed25519");
		// ssh2 1.17 drops leading zero bytes of a key's number, so that about one pair in 170 is unreadable (mscdex/ssh2#1513).
		if ([pair.private, pair.public].every((key) => !(ssh2.utils.parseKey(key) instanceof Error))) return pair;
	}
}
