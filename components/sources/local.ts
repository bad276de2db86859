import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ProgramError } from "../../lib/programError.ts";
import { Disk } from "../../providers/disk/resource.ts";
import { Machine } from "../../providers/machine/resource.ts";
import { SshKey } from "../../providers/ssh-key/resource.ts";
import { bootstrap, type RolePackages } from "../bootstrap.ts";
import type { Host } from "../host.ts";
import { aliasesOf, firstName } from "../hostNames.ts";
import type { HostSettings } from "../settings/hosts.ts";
import type { LocalSettings } from "../settings/local.ts";
import type { LogsSettings } from "../settings/logs.ts";
import type { Source } from "./source.ts";

export interface LocalArgs extends Omit<LocalSettings, "endpointPort" | "httpsPort"> {
	/** Directory with root.ext4, vmlinuz and initrd.img. */
	imageDirectory: string;
	hosts: HostSettings[];
	logs: Pick<LogsSettings, "path" | "keepOnDestroy">;
	/** Ports of 127.0.0.1 that lead to a port of a host: no other port of a host can be reached by users. */
	forwards: Forward[];
}

export interface Forward {
	/** Name of the host. */
	host: string;
	/** Port of 127.0.0.1. */
	hostPort: number;
	/** Port on the host. */
	guestPort: number;
}

/** QEMU machines on the machine that runs `pulumi`, one per host, on their own private LAN. */
export function localSource(args: LocalArgs): Source {
	return { hosts: (name, packages, parent) => localHosts(name, args, packages, parent) };
}

function localHosts(source: string, args: LocalArgs, packages: RolePackages, parent: pulumi.Resource): Host[] {
	const { directory, imageDirectory, logs, hosts } = args;
	const key = new SshKey(`${source}-operator-key`, {}, { parent });
	const logDiskFile = path.join(directory, "log-disk.ext4");
	const logDisk = new Disk(`${source}-log-disk`, { file: logDiskFile, sizeGiB: 4 }, { parent, retainOnDelete: logs.keepOnDestroy });
	return hosts.map((host, i) => {
		const { name, aliases, roles, address } = host;
		const isLog = roles.includes("log");
		const sshPort = args.sshPortBase + i;
		const hostname = firstName(host);
		const forwards = args.forwards.filter((forward) => forward.host === name);
		const of = (host: string) => `${source}-${host}`;
		const machine = new Machine(
			of(name),
			{
				hostname,
				directory: path.join(directory, hostname),
				imageDirectory,
				memoryMiB: host.memoryMiB ?? args.memoryMiB,
				cpus: args.cpus,
				address: `${address}/${args.prefixLength}`,
				lanPort: args.lanPort,
				sshPort,
				forwards: forwards.map(({ hostPort, guestPort }) => ({ hostPort, guestPort })),
				authorizedKey: key.publicKey,
				privateKey: key.privateKey,
				disks: isLog ? [{ file: logDiskFile, serial: "logs", mountPoint: logs.path }] : [],
			},
			{ parent, dependsOn: isLog ? [logDisk] : [], aliases: aliasesOf(host, of) },
		);
		const connection = pulumi.secret({
			host: "127.0.0.1",
			port: sshPort,
			user: "root",
			privateKey: key.privateKey,
			hostKey: machine.hostKey,
		});
		const reach = (port: number) => {
			const { hostPort } = forwards.find(({ guestPort }) => guestPort === port) ?? {};
			if (hostPort === undefined)
				throw new ProgramError(`${name}: no port of this machine leads to its port ${port}: name one in forwards`);
			return { address: "127.0.0.1", port: hostPort, isForwarded: true };
		};
		const made = { name, aliases, roles, address, reach, connection, user: "root", machine };
		return bootstrap(source, made, { property: `hosts[${i}]`, packages, isMade: true }, { parent, dependsOn: [machine] });
	});
}
