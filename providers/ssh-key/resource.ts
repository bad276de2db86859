import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

export interface SshKeyInputs {
	/** What the key belongs to, in any words: a change makes a new key. */
	keepers?: Record<string, string>;
}

/** An Ed25519 key pair in OpenSSH format, made once and kept in the state, the private half encrypted. */
export class SshKey extends ScaleoutResource {
	declare readonly privateKey: pulumi.Output<string>;
	declare readonly publicKey: pulumi.Output<string>;

	constructor(name: string, args: { keepers?: Record<string, pulumi.Input<string>> } = {}, opts?: pulumi.CustomResourceOptions) {
		const props = { ...args, privateKey: undefined, publicKey: undefined };
		super("ssh-key", "SshKey", name, props, { additionalSecretOutputs: ["privateKey"], ...opts });
	}
}
