import ssh2 from "ssh2";

/** A key pair of SSH. */
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
		// ssh2 1.17 takes zero bytes off the front of a key's number, so that one pair in about 170 is one that nobody can read (mscdex/ssh2#1513).
		if ([pair.private, pair.public].every((key) => !(ssh2.utils.parseKey(key) instanceof Error))) return pair;
	}
}
