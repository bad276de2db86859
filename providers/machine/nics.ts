/**
 * The hardware addresses of a machine's two NICs. Its network files match these and not names: with two virtio NICs, timing decides which one the
 * kernel calls eth0.
 */

/** The NIC of QEMU's user network, for SSH and packages. Each machine has its own such network, so all use the same address. */
export const wanMac = "52:54:00:00:00:01";

/** The NIC of the shared LAN, derived from the machine's address there (`192.168.2.142/16`). */
export function lanMac(address: string): string {
	const octets = address.split("/")[0]?.split(".") ?? [];
	return ["52", "54", ...octets.map((octet) => Number(octet).toString(16).padStart(2, "0"))].join(":");
}
