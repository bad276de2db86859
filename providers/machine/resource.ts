import type * as pulumi from "@pulumi/pulumi";
import { ScaleoutResource } from "../shell.ts";

/** A file system on the operator's machine that a local machine mounts; it outlives the machine. */
export interface MachineDisk {
	/** Disk image file, relative to the project's directory. */
	file: string;
	/** Serial number the guest sees, at most 20 characters. */
	serial: string;
	/** Where the guest mounts it. */
	mountPoint: string;
}

export interface MachineInputs {
	/** Host name. Change: replaces. */
	hostname: string;
	/** Directory of this machine's files, relative to the project's directory. Change: replaces. */
	directory: string;
	/** Directory with root.ext4, vmlinuz and initrd.img. Change: replaces. */
	imageDirectory: string;
	/** Memory in MiB. Change: restarts. */
	memoryMiB: number;
	/** Virtual CPUs. Change: restarts. */
	cpus: number;
	/** Address on the private LAN, with prefix length: `192.168.2.137/16`. Change: restarts. */
	address: string;
	/** UDP port of the private LAN: machines with the same port see each other. Change: restarts. */
	lanPort: number;
	/** TCP port of 127.0.0.1 that leads to the machine's sshd. Change: restarts. */
	sshPort: number;
	/** Further ports of 127.0.0.1, by guest port. Change: restarts. */
	forwards: { hostPort: number; guestPort: number }[];
	/** Public key that may log in as root. Change: restarts. */
	authorizedKey: string;
	/** Private key for `authorizedKey`, to check that the machine is up. Secret. */
	privateKey: string;
	/** Disks besides the root disk. Change: restarts. */
	disks: MachineDisk[];
}

export interface MachineOutputs {
	/** Public host key, `ssh-ed25519 AAAA…`. It is generated with the machine, so even the first connection is verified. */
	hostKey: string;
	/** `running`, or after a refresh `stopped`: the next `up` starts it again with its disk as it was. */
	state: string;
	/** `kvm`, or `tcg` for software emulation. */
	accelerator: string;
}

/** A QEMU machine on the machine that runs `pulumi`. */
export class Machine extends ScaleoutResource {
	declare readonly hostKey: pulumi.Output<string>;
	declare readonly state: pulumi.Output<string>;
	declare readonly accelerator: pulumi.Output<string>;

	constructor(
		name: string,
		args: pulumi.Inputs & { [K in keyof MachineInputs]: pulumi.Input<MachineInputs[K]> },
		opts?: pulumi.CustomResourceOptions,
	) {
		const outputs = { hostKey: undefined, state: undefined, accelerator: undefined };
		super("machine", "Machine", name, { ...args, ...outputs }, { additionalSecretOutputs: ["privateKey"], ...opts });
	}
}
