import type { Class, Verdict } from "../lib/disruption.ts";

/*
 * The steps that there are: what each of them does to those who use the service, and what it writes. Their scripts are host/steps/<name>.sh. The summary of
 * a preview and the table in docs/security.md come from here.
 */

/** Variables of a step's script, by name: see `settingsIn`. */
type Settings = Record<string, string>;

type Judge = Verdict | ((before: Settings, after: Settings) => Verdict);

/** A file or directory on a host. */
export interface Written {
	/** With `<name>` for what differs. */
	place: string;
	/** Default root. */
	owner?: string;
	/** Octal. */
	mode: string;
	what?: string;
}

/** What it does when it is new, when something of it changes, and when it is taken back; and what it writes. */
export interface StepKind {
	create: Judge;
	update: Judge;
	delete: Judge;
	/** When another one takes its place; without, as `delete`. */
	replace?: Judge;
	writes?: Written[];
}

const verdict =
	(grave: Class) =>
	(reason: string): Verdict => ({ class: grave, reason });
const none = verdict("none");
const reload = verdict("reload");
const interruption = verdict("interruption");

const always = (judge: Judge, writes: Written[] = []): StepKind => ({ create: judge, update: judge, delete: judge, writes });

const file = (place: string, what?: string): Written => ({ place, mode: "644", ...(what && { what }) });

/** What every step writes, and what there is before the first. */
const alwaysWritten: Written[] = [
	{ place: "/var/lib/scaleout", mode: "700", what: "records of steps, for a refresh" },
	{ place: "/var/lib/scaleout/<stack>", mode: "700" },
	{ place: "/var/lib/scaleout/<stack>/<step>", mode: "700" },
	file("/var/lib/scaleout/<stack>/<step>/<file>", "paths, owners, modes and checksums; nobody else gets here"),
	{ place: "/usr/local/lib/scaleout/steps/<stack>/<part>", mode: "755" },
	file("/usr/local/lib/scaleout/steps/<stack>/<file>", "the scripts that carry steps out; they hold no value of the configuration"),
	file("/usr/local/lib/scaleout/steps/<stack>/<part>/<file>"),
];

const agent: Written[] = [
	file("/usr/local/lib/scaleout/<unit>/<module>.py", "the agents' programs"),
	file("/etc/systemd/system/scaleout-<unit>", "their units and timers"),
];

const trust = file("/etc/docker/certs.d/<server>/<name>.crt", "the registry's certificate");

const needs: Written[] = [
	trust,
	{ place: "/srv/was-logs", mode: "777", what: "`mount.source` of type `bind`: any user a container may have writes there" },
];

const exportedAgain = reload("the NFS server reads the export again; what is mounted stays");

const maintenance = (_before: Settings, { maintenance: mode }: Settings): Verdict =>
	mode === "off" ? none("NGINX serves") : interruption("on purpose: NGINX answers everything with 503");

export const stepKinds = {
	// These two by the bootstrap of a host.
	"host/packages": always(none("packages that are missing are installed")),
	"aws/boot": always(none("the host is waited for")),
	"aws/mount": always(none("the volume of the logs is mounted, and its file system grows with it")),
	"registry/serve": always(none("the registry and the trust in it; running tasks need neither"), [
		file("/etc/docker/registry/config.yml"),
		file("/etc/docker/registry/tls.crt"),
		{ place: "/etc/docker/registry/tls.key", owner: "docker-registry", mode: "600", what: "the registry's key" },
		{ place: "/etc/docker/registry/htpasswd", owner: "docker-registry", mode: "600", what: "bcrypt hash of its password" },
		{ place: "/var/lib/docker-registry", owner: "docker-registry", mode: "700", what: "images" },
	]),
	"registry/trust": always(none("the registry and the trust in it; running tasks need neither"), [trust]),
	"registry/login": always(none("the renewal of the registry's token; running tasks do not need it"), agent),
	"image/base": always(none("what images are built from")),
	"nfs/server": {
		create: none("the NFS server starts"),
		update: ({ path: before }, { path: after }) =>
			before === after ? exportedAgain : { class: "data", reason: `logs go to ${after}; those in ${before} stay there` },
		delete: interruption("the export ends: writers to it wait"),
		writes: [
			file("/run/scaleout-exports.lock", "empty: of the steps that change what is exported, one runs at a time"),
			{
				place: "/mnt/main-was-logs",
				owner: "`logs.uid`:`logs.gid`",
				mode: "750",
				what: "the logs; `logs.access: network`: nobody:nogroup, 777",
			},
		],
	},
	"nfs/clients": {
		create: none("the export is opened to its clients"),
		update: exportedAgain,
		replace: none("clients of the export that are new come in first; those that go lose it at the end, when nothing uses it any more"),
		delete: none("the export's clients go"),
		writes: [file("/etc/exports.d/<stack>-logs+<client>-<path>.exports", "the export to a client")],
	},
	"logs/cloudwatch": always(none("logs go to CloudWatch, or no longer; they stay on the log host"), [
		file("/opt/aws/amazon-cloudwatch-agent/etc/scaleout.json", "which logs go where"),
	]),
	"drain/agent": {
		create: none("the drain agent starts"),
		update: none("the drain agent restarts, and goes on with a drain under way"),
		delete: none("the drain agent goes, with what it has closed; the node's task is drained before"),
		writes: [...agent, ...needs],
	},
	"service/node": always(none("what a node has to have for the service's tasks"), needs),
	"nginx/site": {
		create: none("NGINX begins to serve"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("NGINX serves no longer"),
		writes: [
			file("/etc/nginx/conf.d/<site>.conf", "upstream and servers"),
			file("/etc/nginx/<site>.maintenance", "empty: maintenance is on"),
			{ place: "/etc/nginx/<site>.https", mode: "755" },
			file("/etc/nginx/<site>.https/<name>", "empty: HTTPS is up for this name"),
		],
	},
	"nginx/certificate": {
		create: none("a certificate that no site uses yet"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("the certificate goes: HTTPS cannot be served with it any more"),
		writes: [
			{ place: "/etc/nginx/<site>-tls", mode: "700" },
			{ place: "/etc/nginx/<site>-tls/<id>.pem", mode: "600", what: "certificate and key" },
		],
	},
	"nginx/acme": {
		create: none("a certificate that no site uses yet"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("the certificate goes: HTTPS cannot be served with it any more"),
		writes: [
			{ place: "/var/www/<site>-acme", mode: "755", what: "ACME challenges" },
			file("/etc/letsencrypt/<site>-ca.pem", "CA of a private ACME server"),
			file("/etc/systemd/system/certbot.service.d/<site>.conf"),
		],
	},
	"nginx/maintenance": { create: maintenance, update: maintenance, delete: none("the mark of a maintenance goes") },
	"nginx/keep-running": always(none("whether systemd starts NGINX again when it dies; what runs goes on"), [
		{ place: "/etc/systemd/system/nginx.service.d", mode: "755" },
		file("/etc/systemd/system/nginx.service.d/<site>.conf", "that systemd starts NGINX again when it dies"),
	]),
} satisfies Record<string, StepKind>;

export type StepName = keyof typeof stepKinds;

/** The verdict on a change of a step, or undefined where there is no such step. Pure. */
export function judgeStep(
	name: string,
	operation: "create" | "update" | "replace" | "delete",
	before: Settings,
	after: Settings,
): Verdict | undefined {
	const kind: StepKind | undefined = Object.hasOwn(stepKinds, name) ? stepKinds[name as StepName] : undefined;
	const judge = kind?.[operation] ?? (operation === "replace" ? kind?.delete : undefined);
	return typeof judge === "function" ? judge(before, after) : judge;
}

/** All that is written on hosts, each place once. */
export function allWritten(): Written[] {
	const all = [...alwaysWritten, ...Object.values<StepKind>(stepKinds).flatMap(({ writes = [] }) => writes)];
	return [...new Map(all.map((written) => [written.place, written])).values()];
}
