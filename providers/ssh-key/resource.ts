import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

/** An Ed25519 key pair in OpenSSH format, made once and kept in the state, the private half encrypted. */
export class SshKey extends ScaleoutResource {
	declare readonly privateKey: pulumi.Output<string>;
	declare readonly publicKey: pulumi.Output<string>;

	constructor(name: string, opts?: pulumi.CustomResourceOptions) {
		super("ssh-key", "SshKey", name, { privateKey: undefined, publicKey: undefined }, { additionalSecretOutputs: ["privateKey"], ...opts });
	}
}
