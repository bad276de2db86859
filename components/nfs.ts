import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { fileStem } from "../lib/hostRecord.ts";
import { adoptScript, type OwnExport, refuseOtherLines } from "./exportAdoption.ts";
import { knownByFormerNames } from "./formerNames.ts";
import { type Host, ownFileName, remoteStep } from "./host.ts";
import type { Hosts } from "./hosts.ts";
import { shipLogs } from "./logShipping.ts";

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

	constructor(name: string, topology: Topology, hosts: Hosts, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout:index:NfsExport", name, {}, knownByFormerNames(topology, opts));
		const { logs } = topology;
		const log = hosts.one("log");
		const apps = hosts.with("app");
		this.server = log.address;
		this.path = logs.path;
		this.mountOptions = `addr=${log.address},${logs.mountOptions}`;
		const files = `/etc/exports.d/${ownFileName(name)}`;
		const fileOf = (client: string) => `${files}-${stemOf(client, logs.path)}.exports`;
		const clients = clientsOf(logs, apps);
		const exported = remoteStep(
			`${name}-export`,
			log,
			{
				script: serverScript(
					logs,
					clients.map((client) => ({ client, file: fileOf(client), line: exportsLine(logs, client) })),
				),
				// For those who read the preview: the script has it, too.
				stdin: `${logs.path}\n`,
				looks: [`file ${logs.path}`, "unit nfs-server", lookAtOtherExports(logs.path, files)],
			},
			{ parent: this },
		);
		const exportTo = (client: string) => {
			const file = fileOf(client);
			const step = {
				script: exportScript(file),
				stdin: exportsLine(logs, client),
				looks: [`file ${file}`, lookAtExports(logs.path, client)],
				deleteScript: unexportScript(file),
			};
			return remoteStep(`${name}-client-${stemOf(client, logs.path)}`, log, step, { parent: this, dependsOn: [exported] });
		};
		this.#clients = new Map(clients.map((client) => [client, exportTo(client)]));
		shipLogs(`${name}-shipping`, log, topology, { parent: this, dependsOn: [exported] });
		// The mount options go in as standard input: the probe ignores them, but is repeated when they change.
		const probe = (app: Host) => ({ script: probeScript(app, log, topology), stdin: `${this.mountOptions}\n` });
		const tryFrom = (app: Host) =>
			remoteStep(`${name}-probe-${app.name}`, app, probe(app), { parent: this, dependsOn: [exported, ...this.access(app)] });
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
export function clientsOf(logs: Topology["logs"], apps: Pick<Host, "address">[]): string[] {
	return logs.access === "per-client" ? apps.map((app) => app.address) : [...new Set(logs.clients)];
}

/** The content of a client's exports file, see exports(5). */
export function exportsLine(logs: Topology["logs"], client: string): string {
	const squash = logs.access === "per-client" ? ["all_squash", `anonuid=${logs.uid}`, `anongid=${logs.gid}`] : [];
	return `${logs.path} ${client}(${[...logs.exportOptions, ...squash].join(",")})\n`;
}

/** One step at a time: `exportfs -ra` ends every export whose file it does not find. */
const alone = "exec 9> /run/scaleout-exports.lock && flock -w 120 9";

/** Makes the directory, starts the server, and ends exports that no file asks for; but not those of others in /etc/exports. */
export function serverScript(logs: Topology["logs"], exports: OwnExport[] = []): string {
	const [owner, mode] = logs.access === "per-client" ? [`${logs.uid}:${logs.gid}`, "0750"] : ["nobody:nogroup", "0777"];
	return `
path=${logs.path}
mkdir -p $path /etc/exports.d
${alone}
${logs.adopt ? adoptScript(logs.path, exports, { owner, mode }) : refuseOtherLines}
chown ${owner} $path
chmod ${mode} $path
systemctl is-enabled -q nfs-server || systemctl enable nfs-server >&2
systemctl start nfs-server
exportfs -ra
`.trim();
}

/** Writes a client's exports file from standard input. A line that exportfs refuses never replaces one that works. */
export function exportScript(file: string): string {
	return `
${alone}
old=$(mktemp)
cp ${file} "$old" 2>/dev/null || true
# Complete when it appears under its name.
install -m 644 /dev/stdin ${file}.new
mv -f ${file}.new ${file}
if ! problems=$(exportfs -ra 2>&1) || [ -n "$problems" ]; then
  if [ -s "$old" ]; then cp "$old" ${file}; else rm -f ${file}; fi
  exportfs -ra || true
  echo "logs.exportOptions: exportfs refuses the export: $problems" >&2
  exit 1
fi
rm -f "$old"
cat ${file}
`.trim();
}

/** How a client's export begins, in a file and as the kernel has it: path and client, for sed -E. */
const beginning = (path: string, client = "[^(]+") => `^(${path})[[:space:]]+(${client})\\(`;

/** What the kernel exports right now, a line for each client, or for the one named. */
export function lookAtExports(path: string, client?: string): string {
	const whom = client?.replace(/[.*]/g, "\\$&");
	return `exportfs -s | sed -nE 's,${beginning(path, whom)}(.*)\\)$,live export of \\1 to \\2\\t\\3,p'`;
}

/** What the kernel exports to clients that have no file. `files`: what their names begin with. */
export function lookAtOtherExports(path: string, files: string): string {
	const named = `cat ${files}-*.exports 2> /dev/null | sed -nE 's,${beginning(path)}.*,live export of \\1 to \\2\\t,p'`;
	return `${lookAtExports(path)} | grep -vF -f <(${named}) || true`;
}

/** Takes a client's export back. The directory and its logs stay. */
function unexportScript(file: string): string {
	return `(${alone}; rm -f ${file}; exportfs -ra || true)`;
}

/** Mounts the export for a moment and writes to it, within a deadline: a service that mounts a dead export hangs for half an hour. */
function probeScript(app: Host, log: Host, { logs }: Topology): string {
	const version = /(^|,)(nfsvers=[0-9.]+)/.exec(logs.mountOptions)?.[2] ?? "nfsvers=4.2";
	const source = `${log.address}:${logs.path}`;
	return `
fail() { echo "NFS export ${source} cannot be used from ${app.name}: $1" >&2; exit 1; }
answers() { timeout 5 bash -c '</dev/tcp/${log.address}/2049' 2>/dev/null; }
for attempt in $(seq 12); do answers && break; sleep 2; done
answers || fail "no answer on port 2049: is the NFS server up, and the port open from here?"
mountpoint=$(mktemp -d)
trap 'umount -l "$mountpoint" 2>/dev/null || true; rmdir "$mountpoint" 2>/dev/null || true' EXIT
timeout 60 mount -t nfs -o ${version},soft,timeo=100,retrans=2 ${source} "$mountpoint" 2>/dev/null || fail "mount failed: is this node among the export's clients?"
timeout 120 sh -c 'touch "$1" && rm "$1"' sh "$mountpoint/.probe-${app.name}" || fail "it is mounted but cannot be written: check logs.access, uid and gid"
echo "writable: ${source}"
`.trim();
}
