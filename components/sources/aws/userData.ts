import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** A key pair in OpenSSH format. */
export interface HostKey {
	privateKey: string;
	publicKey: string;
}

/**
 * What cloud-init makes of an image at its first boot: its name, and the host key that the first connection already expects. Nothing else
 * is done here: what it holds can be read on the host by any process that reaches the metadata service.
 */
export function userData(hostname: string, hostKey: HostKey): string {
	const config = {
		hostname,
		preserve_hostname: false,
		// sudo looks the own name up.
		manage_etc_hosts: "localhost",
		ssh_pwauth: false,
		// Keys that the image brought would be anybody's.
		ssh_deletekeys: true,
		ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
	};
	return `#cloud-config\n${stringify(config)}`;
}

/** Changes when the user data does for another reason than its key. */
export function userDataVersion(hostname: string): string {
	return createHash("sha256")
		.update(userData(hostname, { privateKey: "", publicKey: "" }))
		.digest("hex")
		.slice(0, 12);
}
