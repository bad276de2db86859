import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { operatorPath } from "../../config/operatorFile.ts";
import type { Topology } from "../../config/schema.ts";
import { rootImageDirectory } from "../../lab/cache.ts";
import { Disk } from "../../providers/disk/resource.ts";
import { HostCheck } from "../../providers/host/resource.ts";
import { Machine } from "../../providers/machine/resource.ts";
import { SshKey } from "../../providers/ssh-key/resource.ts";
import { type Host, owner, withScripts } from "../host.ts";
import { aliasesOf, checkName, firstName } from "../hostNames.ts";

/** QEMU machines on the machine that runs `pulumi`, one a host, on a private LAN of their own. */
export function localHosts(topology: Topology, parent: pulumi.Resource): Host[] {
	const { local, logs, hosts } = topology;
	const directory = operatorPath(local.directory);
	const key = new SshKey("operator-key", {}, { parent });
	const imageDirectory = local.imageDirectory ? operatorPath(local.imageDirectory) : rootImageDirectory();
	const logDiskFile = path.join(directory, "log-disk.ext4");
	const logDisk = new Disk("log-disk", { file: logDiskFile, sizeGiB: 4 }, { parent, retainOnDelete: logs.keepOnDestroy });
	return hosts.map((host, i) => {
		const { name, aliases, roles, address } = host;
		const isLog = roles.includes("log");
		const sshPort = local.sshPortBase + i;
		const hostname = firstName(host);
		const machine = new Machine(
			name,
			{
				hostname,
				directory: path.join(directory, hostname),
				imageDirectory,
				memoryMiB: host.memoryMiB ?? local.memoryMiB,
				cpus: local.cpus,
				address: `${address}/${local.prefixLength}`,
				lanPort: local.lanPort,
				sshPort,
				forwards: roles.includes("nginx") ? forwardsOf(topology) : [],
				authorizedKey: key.publicKey,
				privateKey: key.privateKey,
				disks: isLog ? [{ file: logDiskFile, serial: "logs", mountPoint: logs.path }] : [],
			},
			{ parent, dependsOn: isLog ? [logDisk] : [], aliases: aliasesOf(host) },
		);
		const connection = pulumi.secret({
			host: "127.0.0.1",
			port: sshPort,
			user: "root",
			privateKey: key.privateKey,
			hostKey: machine.hostKey,
		});
		const check = new HostCheck(
			checkName(name),
			{ host: name, property: `hosts[${i}]`, connection, owner: owner(), roles, isMade: true },
			{ parent, deletedWith: machine, dependsOn: [machine], aliases: aliasesOf(host, checkName) },
		);
		return withScripts({ name, aliases, roles, address, connection, user: "root", machine }, check, undefined, parent);
	});
}

/** HTTPS is always forwarded: to switch it on restarts no machine. */
function forwardsOf({ local, nginx }: Topology): { hostPort: number; guestPort: number }[] {
	return [
		{ hostPort: local.endpointPort, guestPort: nginx.listen },
		{ hostPort: local.httpsPort, guestPort: nginx.tls?.httpsPort ?? 443 },
	];
}

/** Where a person on this machine reaches NGINX. */
export function localEndpoint({ local, nginx }: Topology): string {
	return nginx.tls ? `https://127.0.0.1:${local.httpsPort}` : `http://127.0.0.1:${local.endpointPort}`;
}
