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
	/** The hosts that write logs: each proves that it can, before anything mounts the export. */
	apps: Host[];
	/** Where the logs are sent on to. */
	logShipping?: LogShipping | undefined;
}

/**
 * The directory on the log host that collects the logs, exported over NFS and proven from every app node before anything mounts it. Each client is
 * a step of its own: a node that ceases to serve, or one that goes over to another path, writes to the export until it is drained, and only then loses it.
 */
export class NfsExport extends pulumi.ComponentResource {
	readonly server: string;
	readonly path: string;
	/** Mount options, server address included, as the local volume driver takes them. */
	readonly mountOptions: string;
	/** What mounts the export waits for these. */
	readonly probes: pulumi.Resource[];
	readonly #clients: Map<string, pulumi.Resource>;
	readonly #probed: Map<string, pulumi.Resource>;

	constructor(name: string, { host: log, apps, logShipping, ...logs }: NfsExportArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:NfsExport", name, {}, opts);
		this.server = log.address;
		this.path = logs.path;
		this.mountOptions = `addr=${log.address},${logs.mountOptions}`;
		const files = `/etc/exports.d/${ownFileName(name)}`;
		const fileOf = (client: string) => `${files}-${stemOf(client, logs.path)}.exports`;
		const clients = clientsOf(logs, apps);
		const exported = hostStep(`${name}-export`, log, serverStep(logs, clients, fileOf, files), { parent: this });
		const exportTo = (client: string) => {
			const step = clientStep(logs.path, client, fileOf(client), exportsLine(logs, client));
			return hostStep(`${name}-client-${stemOf(client, logs.path)}`, log, step, { parent: this, dependsOn: [exported] });
		};
		this.#clients = new Map(clients.map((client) => [client, exportTo(client)]));
		if (logShipping) shipLogs(`${name}-shipping`, log, logs.path, logShipping, { parent: this, dependsOn: [exported] });
		const tryFrom = (app: Host) =>
			hostStep((host) => `${name}-probe-${host}`, app, probeStep(app.address, log.address, logs), {
				parent: this,
				dependsOn: [exported, ...this.access(app)],
			});
		this.#probed = new Map(apps.map((app) => [app.name, tryFrom(app)]));
		this.probes = [...this.#probed.values()];
		this.registerOutputs({ server: this.server, path: this.path });
	}

	/** What mounts the export on this host waits for these, and is gone before the access is. */
	ready(host: Pick<Host, "name" | "address" | "roles">): pulumi.Resource[] {
		const probe = this.#probed.get(host.name);
		return [...this.access(host), ...(probe ? [probe] : [])];
	}

	/** What gives the host access. */
	access(host: Pick<Host, "address" | "roles">): pulumi.Resource[] {
		const own = this.#clients.get(host.address);
		if (own) return [own];
		return host.roles.includes("app") ? [...this.#clients.values()] : [];
	}
}

/** Pulumi deletes after everything that is made or changed: under another name the export of another path is another step. */
const stemOf = (client: string, path: string) => fileStem(`${client}${path}`);

/** Who may mount the export: addresses, or networks in CIDR notation. */
export function clientsOf(logs: ExportSettings, apps: Pick<Host, "address">[]): string[] {
	return logs.access === "per-client" ? apps.map((app) => app.address) : [...new Set(logs.clients)];
}

/** The content of a client's exports file, see exports(5). */
export function exportsLine(logs: ExportSettings, client: string): string {
	const squash = logs.access === "per-client" ? ["all_squash", `anonuid=${logs.uid}`, `anongid=${logs.gid}`] : [];
	return `${logs.path} ${client}(${[...logs.exportOptions, ...squash].join(",")})\n`;
}

/** The directory, with what it has to be, and the server. `files`: what the names of the clients' files begin with. */
export function serverStep(logs: ExportSettings, clients: string[], fileOf: (client: string) => string, files: string): HostStepArgs {
	const [owner, mode] = logs.access === "per-client" ? [`${logs.uid}:${logs.gid}`, "0750"] : ["nobody:nogroup", "0777"];
	const takeOver = { adopt: true, lines: clients.map((client) => exportsLine(logs, client).trim()), line_files: clients.map(fileOf) };
	return {
		step: "nfs/server",
		settings: { path: logs.path, owner, mode, ...(logs.adopt && takeOver) },
		units: ["nfs-server"],
		checks: [`file ${logs.path}`, `other-exports ${logs.path} ${files}`],
	};
}

/** A client's exports file, and that the kernel has it. */
export function clientStep(path: string, client: string, file: string, line: string): HostStepArgs {
	return {
		step: "nfs/client",
		settings: { file },
		files: [{ path: file, content: line, isStaged: true }],
		checks: [`live-export ${path} ${client}`],
	};
}

/** Tries the export out from a host, once more when mount options change. */
export function probeStep(client: string, server: string, { path, mountOptions }: ExportSettings): HostStepArgs {
	const version = /(^|,)(nfsvers=[0-9.]+)/.exec(mountOptions)?.[2] ?? "nfsvers=4.2";
	return { step: "nfs/probe", settings: { server, path, client, version }, because: { options: mountOptions } };
}
