import * as pulumi from "@pulumi/pulumi";
import { type EcrRegistry, ecrRegistry } from "../../../lib/ecr.ts";
import { aliasesOf } from "../../hostNames.ts";
import type { HostSettings } from "../../settings/hosts.ts";
import type { Account } from "./account.ts";
import type { AwsArgs } from "./index.ts";
import { InstanceProfile, LogGroup, Role, RolePolicy } from "./sdk.ts";

type Shipping = NonNullable<AwsArgs["logs"]["shipping"]>;

/** A right of a host in the account. */
export interface Right {
	/** Its purpose, in a word or two, as the statement's ID. Letters and digits. */
	purpose: string;
	actions: string[];
	resources: pulumi.Input<string>[];
}

/** Instance profiles by host name. Hosts that need no rights have none. */
export function profiles({ hosts, logs, images }: AwsArgs, account: Account): Record<string, InstanceProfile> {
	const logGroup = logs.shipping && makeLogGroup(logs, logs.shipping, account);
	const ecr = ecrRegistry(images.server);
	const rightsOf = ({ roles }: HostSettings): Right[] => [
		...(logGroup && roles.includes("log") ? [writeLogs(logGroup)] : []),
		// Workers need no rights: they pull with the token that a manager gives to the service.
		...(ecr && roles.includes("manager") ? pullImages(ecr, images.repositories) : []),
	];
	const needed = hosts.map((host) => ({ host, rights: rightsOf(host) })).filter(({ rights }) => rights.length > 0);
	return Object.fromEntries(needed.map(({ host, rights }) => [host.name, profile(host, rights, account)]));
}

function makeLogGroup(logs: AwsArgs["logs"], shipping: Shipping, { named, opts, tags }: Account): LogGroup {
	return new LogGroup(
		named("log-group"),
		{
			name: shipping.logGroup,
			retentionInDays: shipping.retentionDays,
			...(shipping.kmsKeyArn && { kmsKeyId: shipping.kmsKeyArn }),
			tags: tags("logs"),
		},
		{ ...opts, retainOnDelete: logs.keepOnDestroy },
	);
}

/** To write to one log group. Not to read or create any. */
function writeLogs({ arn }: LogGroup): Right {
	const actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];
	return { purpose: "WriteLogs", actions, resources: [pulumi.interpolate`${arn}:*`] };
}

/** To get a token, which is always for the whole registry, and to pull from some repositories. */
function pullImages({ accountId, region }: EcrRegistry, repositories: string[]): Right[] {
	const partition = region.startsWith("cn-") ? "aws-cn" : "aws";
	const actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"];
	return [
		{ purpose: "LogInToEcr", actions: ["ecr:GetAuthorizationToken"], resources: ["*"] },
		{
			purpose: "PullImages",
			actions,
			resources: repositories.map((name) => `arn:${partition}:ecr:${region}:${accountId}:repository/${name}`),
		},
	];
}

/** The policy document for these rights. Pure, except for outputs. */
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

function profile(host: HostSettings, rights: Right[], { named, opts, tags }: Account): InstanceProfile {
	const { name } = host;
	const own = (what: string) => {
		const of = (host: string) => named(`${host}-${what}`);
		return [of(name), { ...opts, aliases: aliasesOf(host, of) }] as const;
	};
	const [roleName, roleOpts] = own("role");
	const [rightsName, rightsOpts] = own("rights");
	const [profileName, profileOpts] = own("profile");
	const role = new Role(roleName, { assumeRolePolicy: byInstances, description: `Host ${name}`, tags: tags(name) }, roleOpts);
	const policy = new RolePolicy(rightsName, { role: role.id, policy: policyOf(rights) }, rightsOpts);
	// The rights come first: an instance that starts without them would be refused at its first attempts.
	return new InstanceProfile(profileName, { role: role.name, tags: tags(name) }, { ...profileOpts, dependsOn: [policy] });
}
