/* Made from config/sections by `npm run docs`: change it there. */

/**
 * For `source: local`.
 */
export interface LocalSettings {
	/**
	 * Directory with root.ext4, vmlinuz and initrd.img. Default: where `npm run lab:prepare` caches them.
	 */
	imageDirectory?: string | undefined;
	/**
	 * Directory for the machines' files, relative to the project.
	 *
	 * @default ".lab"
	 */
	directory: string;
	/**
	 * Memory of a machine in MiB.
	 *
	 * @default 1280
	 */
	memoryMiB: number;
	/**
	 * Virtual CPUs of a machine.
	 *
	 * @default 1
	 */
	cpus: number;
	/**
	 * Prefix length of the private LAN.
	 *
	 * @default 16
	 */
	prefixLength: number;
	/**
	 * UDP port on the loopback interface that carries the private LAN. Each stack needs its own.
	 *
	 * @default 23400
	 */
	lanPort: number;
	/**
	 * Port of 127.0.0.1 for the first machine's sshd; each further machine gets the next port. So add machines at the end of `hosts`: if one is added or removed before others, those get another port and restart.
	 *
	 * @default 2400
	 */
	sshPortBase: number;
	/**
	 * Port of 127.0.0.1 that leads to NGINX.
	 *
	 * @default 8088
	 */
	endpointPort: number;
	/**
	 * Port of 127.0.0.1 that leads to NGINX's HTTPS. It is forwarded with and without `nginx.tls`.
	 *
	 * @default 8443
	 */
	httpsPort: number;
}
