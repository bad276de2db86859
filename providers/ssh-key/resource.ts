import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

export interface SshKeyInputs {
	/** What the key belongs to, as free text. A change generates a new key. */
	keepers?: Record<string, string>;
}

/** An Ed25519 key pair in OpenSSH format, generated once and kept in the state, with the private key encrypted. */
export class SshKey extends ScaleoutResource {
	declare readonly privateKey: pulumi.Output<string>;
	declare readonly publicKey: pulumi.Output<string>;

	constructor(name: string, args: { keepers?: Record<string, pulumi.Input<string>> } = {}, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, privateKey: undefined, publicKey: undefined };
		super("ssh-key", "SshKey", name, props, { additionalSecretOutputs: ["privateKey"], ...opts });
	}
}
