import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** A key pair in OpenSSH format. */
export interface HostKey {
	privateKey: string;
	publicKey: string;
}

/**
 * What cloud-init sets at the first boot: the host name, and the host key that the first connection already expects. Nothing else, because any process on
 * the host that reaches the metadata service can read it.
 */
export function userData(hostname: string, hostKey: HostKey): string {
	const config = {
		hostname,
		preserve_hostname: false,
		// sudo looks up the host's own name.
		manage_etc_hosts: "localhost",
		ssh_pwauth: false,
		// Keys from the image could be known to anybody.
		ssh_deletekeys: true,
		ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
	};
	return `#cloud-config\n${stringify(config)}`;
}

/** Changes when the user data changes in anything but its key. */
export function userDataVersion(hostname: string): string {
	return createHash("sha256")
		.update(userData(hostname, { privateKey: "", publicKey: "" }))
		.digest("hex")
		.slice(0, 12);
}
