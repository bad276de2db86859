import type { Class, Verdict } from "../lib/disruption.ts";

/* The steps that there are: what each of them does to those who use the service. Their scripts are host/steps/<name>.sh. */

/** Variables of a step's script, by name: see `settingsIn`. */
type Settings = Record<string, string>;

type Judge = Verdict | ((before: Settings, after: Settings) => Verdict);

/** What it does when it is new, when something of it changes, and when it is taken back. */
export interface StepKind {
	create: Judge;
	update: Judge;
	delete: Judge;
}

const verdict =
	(grave: Class) =>
	(reason: string): Verdict => ({ class: grave, reason });
const none = verdict("none");
const reload = verdict("reload");
const interruption = verdict("interruption");

const always = (judge: Judge): StepKind => ({ create: judge, update: judge, delete: judge });

const exportedAgain = reload("the NFS server takes the export anew; what is mounted stays");

const maintenance = (_before: Settings, { maintenance: mode }: Settings): Verdict =>
	mode === "off" ? none("NGINX serves") : interruption("on purpose: NGINX answers everything with 503");

export const stepKinds = {
	"host/packages": always(none("packages that are missing are installed")),
	"aws/boot": always(none("the host is waited for")),
	"aws/mount": always(none("the volume of the logs is mounted, and its file system grows with it")),
	"registry/serve": always(none("the registry and the trust in it; running tasks need neither")),
	"registry/trust": always(none("the registry and the trust in it; running tasks need neither")),
	"registry/login": always(none("the renewal of the registry's token; running tasks do not need it")),
	"image/base": always(none("what images are built from")),
	"nfs/server": {
		create: none("the NFS server starts"),
		update: ({ path: before }, { path: after }) =>
			before === after ? exportedAgain : { class: "data", reason: `logs go to ${after}; those in ${before} stay there` },
		delete: interruption("the export ends: writers to it wait"),
	},
	"nfs/client": {
		create: none("the export is opened to a client"),
		update: exportedAgain,
		delete: none("the export is closed to a client that uses it no longer"),
	},
	"nfs/probe": always(none("the export is tried out")),
	"logs/cloudwatch": always(none("logs go to CloudWatch, or no longer; they stay on the log host")),
	"drain/agent": {
		create: none("the drain agent starts"),
		update: none("the drain agent starts anew, and goes on with a drain under way"),
		delete: none("the drain agent goes, with what it has closed; the node's task is drained before"),
	},
	"service/log-directory": always(none("the directory is made where it is missing")),
	"nginx/site": {
		create: none("NGINX begins to serve"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("NGINX serves no longer"),
	},
	"nginx/certificate": {
		create: none("a certificate that no site uses yet"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("the certificate goes: HTTPS cannot be served with it any more"),
	},
	"nginx/acme": {
		create: none("a certificate that no site uses yet"),
		update: reload("NGINX reloads; requests under way end as they began"),
		delete: interruption("the certificate goes: HTTPS cannot be served with it any more"),
	},
	"nginx/maintenance": { create: maintenance, update: maintenance, delete: none("the mark of a maintenance goes") },
	"nginx/keep-running": always(none("whether systemd starts NGINX again when it dies; what runs goes on")),
} satisfies Record<string, StepKind>;

export type StepName = keyof typeof stepKinds;

/** The verdict on a change of a step, or undefined where there is no such step. Pure. */
export function judgeStep(name: string, operation: keyof StepKind, before: Settings, after: Settings): Verdict | undefined {
	const kind: StepKind | undefined = Object.hasOwn(stepKinds, name) ? stepKinds[name as StepName] : undefined;
	const judge = kind?.[operation];
	return typeof judge === "function" ? judge(before, after) : judge;
}
