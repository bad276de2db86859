import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

export interface DiskInputs {
	/** Image file, relative to the project's directory. Change: replaces. */
	file: string;
	/** Size in GiB. The file is sparse. Change: replaces. */
	sizeGiB: number;
}

/** An ext4 disk image for local machines. Created once: an existing file is used as it is, with its data. */
export class Disk extends ScaleoutResource {
	declare readonly file: pulumi.Output<string>;

	constructor(name: string, args: DiskInputs, opts?: pulumi.CustomResourceOptions) {
		super("disk", "Disk", name, { ...args }, opts);
	}
}
