import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

/** A random password of 192 bits, generated once and kept encrypted in the state. */
export class GeneratedSecret extends ScaleoutResource {
	declare readonly value: pulumi.Output<string>;

	constructor(name: string, opts?: pulumi.CustomResourceOptions) {
		super("generated-secret", "GeneratedSecret", name, { value: undefined }, { additionalSecretOutputs: ["value"], ...opts });
	}
}
