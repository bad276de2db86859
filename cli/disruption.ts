import { settingsIn } from "../host/manifest.ts";
import { judgeStep } from "../host/steps.ts";
import { type Class, type Verdict, verdictIn } from "../lib/disruption.ts";
import { judgeUpdate } from "../providers/service/judgement.ts";
import type { ServiceInputs } from "../providers/service/resource.ts";
import { balancer } from "./balancer.ts";
import type { Change, Preview } from "./changes.ts";

/*
 * What a change does to the service's users: a class and a reason. Pure. A resource without a rule gets the gravest class.
 */

/** The reason in the verdict on a resource without a rule. */
export const unknownReason = "this summary does not know it: read the diff";

type Rule = (change: Change, roles: Preview["roles"]) => Verdict | undefined;

export function disruptionOf(change: Change, roles: Preview["roles"]): Verdict {
	const isAws = change.type.startsWith("aws:");
	const rule = rules[change.type] ?? (isAws ? awsRule : undefined);
	return rule?.(change, roles) ?? { class: "data", reason: unknownReason };
}

const verdict =
	(grave: Class, reason: string): Rule =>
	() => ({ class: grave, reason });

/** A rule by operation. A replacement without its own rule is judged as a delete, which is graver than the create. */
const by =
	(cases: Partial<Record<Change["operation"], Rule>>): Rule =>
	(change, roles) => {
		if (cases[change.operation]) return cases[change.operation]?.(change, roles);
		return change.operation === "replace" ? cases.delete?.(change, roles) : undefined;
	};

const dynamic = (type: string) => `pulumi-nodejs:dynamic/scaleout:${type}`;
const harmless = (reason: string): Rule => verdict("none", reason);

/** For a host that is deleted or restarts: the verdict depends on the host's roles. */
const hostGoes =
	(what: string): Rule =>
	({ name }, roles) => {
		const of = roles.get(name);
		if (!of) return { class: "interruption", reason: `${what}; what the host is for is not known` };
		if (of.includes("balancer")) return { class: "interruption", reason: `${what}: nothing answers until ${balancer.name} is back` };
		if (of.includes("log")) return { class: "interruption", reason: `${what}: writers to the log directory wait until it is back` };
		return { class: "node replacement", reason: `${what}: the other nodes serve meanwhile` };
	};

const service: Rule = by({
	create: harmless("a new service"),
	delete: verdict("interruption", "the service and its tasks go; nothing answers"),
	// The provider has judged it already, and knows the secret values. Without its remark, judge what is known here.
	update: ({ changed, olds, news, note }) =>
		verdictIn(note) ??
		judgeUpdate(changed.length > 0 ? changed : ["a secret value"], olds as Partial<ServiceInputs>, news as ServiceInputs),
});

const swarmNode: Rule = by({
	create: harmless("a node joins the swarm"),
	delete: verdict("node replacement", "the node is drained and leaves the swarm"),
	update: ({ changed }) => {
		if (changed.length > 0) return { class: "none", reason: `${changed.join(", ")}: tasks on it go on` };
		return { class: "lossless rolling", reason: "what was changed by hand (availability, role) is put back" };
	},
});

const nodeLabel: Rule = by({
	create: harmless("the node gets its task, and requests once that serves"),
	delete: verdict("node replacement", "the node's task is drained after the load balancer has left it, and stops"),
	replace: verdict("node replacement", "the node's task is drained and stops, and comes back with the node; the others serve"),
	update: ({ changed, news }) => {
		if (changed.includes("value")) return { class: "interruption", reason: "tasks of the service that had the nodes until now stop" };
		if (changed.includes("mount") && news.mount) return { class: "none", reason: "the node proves that it can write to the export" };
		if (changed.length > 0) return { class: "none", reason: `${changed.join(", ")}: tasks on it go on` };
		return { class: "none", reason: "the label is put back: the node gets its task again" };
	},
});

/** A step on a host; its command contains the step's name. */
const step: Rule = ({ operation, olds, news }) => {
	const [, name = ""] = /\/run\.sh (\S+)$/.exec(String(news.create ?? olds.create)) ?? [];
	const [before, after] = [olds, news].map(({ stdin }) => settingsIn(String(stdin ?? ""))) as [Settings, Settings];
	return judgeStep(name, operation, before, after);
};

type Settings = ReturnType<typeof settingsIn>;

const rules: Record<string, Rule> = {
	"command:remote:Command": step,
	"command:remote:CopyToRemote": harmless("what images are built from"),
	"docker:index/image:Image": harmless("an image is built and pushed; what runs it says so itself"),
	[dynamic("HostBootstrap")]: harmless("the host is checked, and gets packages that are missing and the scripts of the steps"),
	[dynamic("SshKey")]: harmless("a key pair; machines that take another say so themselves"),
	[dynamic("GeneratedSecret")]: harmless("a password or a key; what uses it says so itself"),
	[dynamic("Disk")]: by({
		create: harmless("a disk; a file that exists is taken with its data"),
		update: verdict("data", "the disk changes below what is on it"),
		delete: verdict("data", "the disk goes, with the collected logs on it unless logs.keepOnDestroy is set"),
	}),
	[dynamic("Machine")]: by({
		create: harmless("a new machine"),
		update: hostGoes("the machine restarts"),
		delete: hostGoes("the machine goes"),
	}),
	[dynamic("SwarmCluster")]: by({
		create: harmless("a new swarm"),
		update: harmless("settings of the swarm"),
		delete: verdict("interruption", "the swarm ends, and every task in it"),
	}),
	[dynamic("SwarmNode")]: swarmNode,
	[dynamic("NodeLabel")]: nodeLabel,
	[dynamic("SwarmSecret")]: harmless("a secret under a name of its own; the service that uses it says so itself"),
	[dynamic("Service")]: service,
};

/** The AWS resources in use. A change of tags alone, or a new resource beside the others, is harmless. */
const aws: [type: RegExp, rule: Rule][] = [
	[/^aws:ec2\/instance:/, by({ update: hostGoes("the instance stops and starts"), delete: hostGoes("the instance goes") })],
	[
		/^aws:ebs\/volume:/,
		by({ update: harmless("the volume grows, or gets faster"), delete: verdict("data", "the volume goes, with what is on it") }),
	],
	[/^aws:ec2\/volumeAttachment:/, verdict("interruption", "the volume is taken off: writers to it wait")],
	[
		/^aws:ec2\/eip/,
		by({ update: verdict("interruption", "the public address moves"), delete: verdict("interruption", "the public address goes") }),
	],
	[/^aws:(ec2\/securityGroup|vpc\/securityGroup)/, verdict("interruption", "ports open or close: what needs a closed one fails")],
	[
		/^aws:(ec2|vpc)\/(vpc|subnet|route|internetGateway|natGateway|mainRoute)/,
		verdict("interruption", "the network changes below what runs on it"),
	],
	[
		/^aws:cloudwatch\/logGroup:/,
		by({ update: harmless("retention, or another setting"), delete: verdict("data", "the log group goes, with the logs in it") }),
	],
	[/^aws:(iam|ssm|cloudwatch)\//, harmless("rights, parameters, measures")],
	[/^aws:ec2\/keyPair:/, harmless("the key of machines that are made from now on")],
];

const awsRule: Rule = (change, roles) => {
	const found = aws.find(([type]) => type.test(change.type));
	if (!found) return undefined;
	if (change.operation === "create") return { class: "none", reason: "new" };
	const onlyTags = change.operation === "update" && change.changed.length > 0 && change.changed.every((name) => /^tags(All)?$/.test(name));
	return onlyTags ? { class: "none", reason: "tags" } : found[1](change, roles);
};
