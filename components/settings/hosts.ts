/* Made from config/sections by `npm run docs`: change it there. */

export interface HostSettings {
	/**
	 * Host name, also the node's name in the swarm. A change creates another host.
	 */
	name: string;
	/**
	 * Former names of the host, the latest first. With them a change of `name` recreates nothing. The machine keeps its first name.
	 *
	 * @default []
	 *
	 * Items: Host name, also the node's name in the swarm. A change creates another host.
	 */
	aliases: string[];
	/**
	 * `manager` or `worker` of the swarm, `app` runs the service, `log` exports the log directory, `balancer` runs NGINX, `registry` serves images.
	 *
	 * @minItems 1
	 */
	roles: ("manager" | "worker" | "app" | "log" | "balancer" | "registry")[];
	/**
	 * Private IPv4 address, at which the other hosts reach this one. A change recreates what is bound to it.
	 */
	address: string;
	/**
	 * `local` only: memory in MiB. Default: `local.memoryMiB`. A change restarts the machine.
	 */
	memoryMiB?: number | undefined;
	/**
	 * `aws` only: instance type. Default: `aws.instanceType`. A change replaces a node that the swarm can spare, and restarts any other host.
	 */
	instanceType?: string | undefined;
	/**
	 * `aws` only: `aws.imageRevision` for this host alone, to replace hosts one after another.
	 */
	imageRevision?: number | undefined;
	/**
	 * `existing` only: marks the host as permanently lost. Run `up`, then remove the host from the list; nothing is undone on it.
	 *
	 * @default false
	 */
	lost: boolean;
	/**
	 * `existing` only: how to log in.
	 */
	ssh?: {
		/**
		 * Address that `pulumi` (or the bastion) connects to. Default: the host's `address`.
		 */
		host?: string | undefined;
		/**
		 * Port of sshd.
		 *
		 * @default 22
		 */
		port: number;
		/**
		 * Login: root, or a user who may run `sudo -n`.
		 *
		 * @default "root"
		 */
		user: string;
		/**
		 * Pinned public host key, the line of `/etc/ssh/ssh_host_ed25519_key.pub`.
		 */
		hostKey: string;
		/**
		 * Private key file where `pulumi` runs. Default: `existing.privateKeyFile`.
		 */
		privateKeyFile?: string | undefined;
		/**
		 * Name of the host in this inventory to connect through.
		 */
		bastion?: string | undefined;
	} | undefined;
}
