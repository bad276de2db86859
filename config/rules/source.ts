import type { Fault } from "../../lib/fault.ts";
import type { Topology } from "../schema.ts";

/** Rules for the source of hosts. */
export function sourceFaults({ source, hosts, local, existing }: Topology): Fault[] {
	const faults: Fault[] = [];
	if (source !== "existing") {
		hosts.forEach(({ lost }, i) => {
			if (lost)
				faults.push({
					property: `hosts[${i}].lost`,
					value: lost,
					remedy: "is for existing hosts: take the host off the list, its machine goes",
				});
		});
	}
	if (source === "existing") {
		hosts.forEach((host, i) => {
			if (!host.ssh) faults.push({ property: `hosts[${i}].ssh`, remedy: "is missing: an existing host needs at least its hostKey" });
			else if (!host.ssh.privateKeyFile && !existing.privateKeyFile) {
				faults.push({
					property: `hosts[${i}].ssh.privateKeyFile`,
					remedy: "is missing: name it here, or for all hosts in existing.privateKeyFile",
				});
			}
			const bastion = host.ssh?.bastion;
			if (bastion && !hosts.some(({ name, ssh }) => name === bastion && name !== host.name && !ssh?.bastion)) {
				faults.push({
					property: `hosts[${i}].ssh.bastion`,
					value: bastion,
					remedy: "name another host of the inventory that is reached directly",
				});
			}
		});
	} else if (source === "local") {
		const last = local.sshPortBase + hosts.length - 1;
		if (last > 65535)
			faults.push({
				property: "local.sshPortBase",
				value: local.sshPortBase,
				remedy: `${hosts.length} machines need ports up to ${last}: choose a lower one`,
			});
		for (const key of ["endpointPort", "httpsPort"] as const) {
			if (local[key] >= local.sshPortBase && local[key] <= last) {
				faults.push({
					property: `local.${key}`,
					value: local[key],
					remedy: `lies among the sshd ports ${local.sshPortBase} to ${last}: choose another`,
				});
			}
		}
		if (local.httpsPort === local.endpointPort)
			faults.push({ property: "local.httpsPort", value: local.httpsPort, remedy: "is also local.endpointPort: choose another" });
		hosts.forEach((host, i) => {
			if (host.ssh) faults.push({ property: `hosts[${i}].ssh`, remedy: "is for existing hosts: remove it, a local machine gets its own" });
		});
	}
	return faults;
}
