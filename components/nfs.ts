import * as pulumi from "@pulumi/pulumi";
import { fileStem } from "../lib/names.ts";
import { type Host, type HostStepArgs, hostStep, ownFileName } from "./host.ts";
import { type LogShipping, shipLogs } from "./logShipping.ts";
import type { LogsSettings } from "./settings/logs.ts";

/** How the directory is exported and mounted. */
export type ExportSettings = Omit<LogsSettings, "keepOnDestroy" | "shipping">;

export interface NfsExportArgs extends ExportSettings {
	/** The log host. */
	host: Host;
	/** The hosts that write logs. Each proves that it can as it becomes a node of a service, see NodeLabel. */
	apps: Host[];
	/** Where the logs are sent. */
	logShipping?: LogShipping | undefined;
}

/**
 * The directory on the log host that collects the logs, exported over NFS. A new client gets access before anything else happens. A client that is removed,
 * or moves to another path, can write to the export until it is drained, and only then loses access.
 */
export class NfsExport extends pulumi.ComponentResource {
	readonly server: string;
	readonly path: string;
	/** Mount options, with the server's address, in the form of the local volume driver. */
	readonly mountOptions: string;
	/** The step that gives clients access. What mounts the export waits for it, and is deleted before it. */
	readonly access: pulumi.Resource;

	constructor(name: string, { host: log, apps, logShipping, ...logs }: NfsExportArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:NfsExport", name, {}, opts);
		this.server = log.address;
		this.path = logs.path;
		this.mountOptions = `addr=${log.address},${logs.mountOptions}`;
		const files = `/etc/exports.d/${ownFileName(name)}`;
		const clients = clientsOf(logs, apps).map((client) => clientOf(client, logs, files));
		const access = `${name}-clients`;
		const exported = hostStep(`${name}-export`, log, serverStep(logs, clients, files, access), { parent: this });
		this.access = hostStep(access, log, clientsStep(logs.path, clients, files), { parent: this, dependsOn: [exported] });
		if (logShipping) shipLogs(`${name}-shipping`, log, logs.path, logShipping, { parent: this, dependsOn: [exported] });
		this.registerOutputs({ server: this.server, path: this.path });
	}
}

/** Who may mount the export: addresses, or networks in CIDR notation. */
export function clientsOf(logs: ExportSettings, apps: Pick<Host, "address">[]): string[] {
	return logs.access === "per-client" ? apps.map((app) => app.address) : [...new Set(logs.clients)];
}

/** A client of the export. */
export interface ExportClient {
	/** Address, or network in CIDR notation. */
	client: string;
	/** Its file in /etc/exports.d. Another path has another file. */
	file: string;
	/** The file's content, see exports(5). */
	line: string;
}

/** `files`: prefix of the names of the stack's files. */
export function clientOf(client: string, logs: ExportSettings, files: string): ExportClient {
	const squash = logs.access === "per-client" ? ["all_squash", `anonuid=${logs.uid}`, `anongid=${logs.gid}`] : [];
	const line = `${logs.path} ${client}(${[...logs.exportOptions, ...squash].join(",")})\n`;
	return { client, file: `${files}+${fileStem(`${client}${logs.path}`)}.exports`, line };
}

/** The directory, with its owner and mode, and the server. `files`: prefix of the names of the clients' files. `access`: name of their step. */
export function serverStep(logs: ExportSettings, clients: ExportClient[], files: string, access: string): HostStepArgs {
	const [owner, mode] = logs.access === "per-client" ? [`${logs.uid}:${logs.gid}`, "0750"] : ["nobody:nogroup", "0777"];
	const takeOver = { adopt: true, lines: clients.map(({ line }) => line.trim()), line_files: clients.map(({ file }) => file) };
	return {
		step: "nfs/server",
		settings: { path: logs.path, owner, mode, files, access: fileStem(access), ...(logs.adopt && takeOver) },
		units: ["nfs-server"],
		checks: [`file ${logs.path}`, `other-exports ${logs.path} ${files}`],
	};
}

/** The clients' exports files, with checks that the kernel has them. `files`: what the names of all files of the export begin with. */
export function clientsStep(path: string, clients: ExportClient[], files: string): HostStepArgs {
	return {
		step: "nfs/clients",
		settings: { clients: files },
		files: clients.map(({ file, line }) => ({ path: file, content: line, isStaged: true })),
		checks: clients.map(({ client }) => `live-export ${path} ${client}`),
		replaces: clients.map(({ client }) => `${path} ${client}`).sort(),
	};
}
