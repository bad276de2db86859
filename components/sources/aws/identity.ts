import * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../../../config/schema.ts";
import type { Account } from "./account.ts";
import { InstanceProfile, LogGroup, Role, RolePolicy } from "./sdk.ts";

/** What a host may do in the account. */
export interface Right {
	/** What for, in a word or two: the statement's ID. Letters and digits. */
	purpose: string;
	actions: string[];
	resources: pulumi.Input<string>[];
}

/** Instance profiles by host name, for the hosts that need rights. All others have none. */
export function profiles(topology: Topology, account: Account): Record<string, InstanceProfile> {
	const logGroup = topology.logs.shipping && makeLogGroup(topology.logs, topology.logs.shipping, account);
	const needed = topology.hosts.map(({ name, roles }): [string, Right[]] => [
		name,
		logGroup && roles.includes("log") ? [writeLogs(logGroup)] : [],
	]);
	return Object.fromEntries(
		needed.filter(([, rights]) => rights.length > 0).map(([name, rights]) => [name, profile(name, rights, account)]),
	);
}

function makeLogGroup(logs: Topology["logs"], shipping: NonNullable<Topology["logs"]["shipping"]>, { opts, tags }: Account): LogGroup {
	return new LogGroup(
		"log-group",
		{
			name: logGroupName(shipping),
			retentionInDays: shipping.retentionDays,
			...(shipping.kmsKeyArn && { kmsKeyId: shipping.kmsKeyArn }),
			tags: tags("logs"),
		},
		{ ...opts, retainOnDelete: logs.keepOnDestroy },
	);
}

/** Name of the log group in CloudWatch. */
export function logGroupName({ logGroup }: NonNullable<Topology["logs"]["shipping"]>): string {
	return logGroup ?? `/${pulumi.getProject()}/${pulumi.getStack()}/logs`;
}

/** To write to one log group, and neither to read nor to make any. */
function writeLogs({ arn }: LogGroup): Right {
	const actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];
	return { purpose: "WriteLogs", actions, resources: [pulumi.interpolate`${arn}:*`] };
}

/** The policy document of some rights. Pure but for outputs. */
export function policyOf(rights: Right[]): pulumi.Output<string> {
	return pulumi.jsonStringify({
		Version: "2012-10-17",
		Statement: rights.map(({ purpose, actions, resources }) => ({ Sid: purpose, Effect: "Allow", Action: actions, Resource: resources })),
	});
}

const byInstances = JSON.stringify({
	Version: "2012-10-17",
	Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

function profile(name: string, rights: Right[], { opts, tags }: Account): InstanceProfile {
	const role = new Role(`${name}-role`, { assumeRolePolicy: byInstances, description: `Host ${name}`, tags: tags(name) }, opts);
	const policy = new RolePolicy(`${name}-rights`, { role: role.id, policy: policyOf(rights) }, opts);
	// An instance that starts before its rights are there would be refused what it first tries.
	return new InstanceProfile(`${name}-profile`, { role: role.name, tags: tags(name) }, { ...opts, dependsOn: [policy] });
}
