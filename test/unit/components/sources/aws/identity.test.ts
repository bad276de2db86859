import { beforeAll, describe, expect, test } from "vitest";
import type { Recorder } from "../../../../support/mocks.ts";
import { was } from "../../../fixtures.ts";
import { recordHosts, tagged } from "./support.ts";

const key = "arn:aws:kms:ap-northeast-2:123456789012:key/0a";

describe("with logs shipped to CloudWatch", () => {
	let recorder: Recorder;
	beforeAll(async () => {
		recorder = await recordHosts((config) => {
			config.logs.shipping = { retentionDays: 14, kmsKeyArn: key };
		});
	});

	test("there is a log group of the stack, with its retention and key, that outlives it", () => {
		const group = recorder.find("hosts-log-group", ":LogGroup");
		expect(group.inputs).toEqual({ name: "/swarm-scaleout/prod/logs", retentionInDays: 14, kmsKeyId: key, tags: tagged("logs") });
		expect(group.retainOnDelete).toBe(true);
	});

	test("the log host may write to this group, and nothing else", () => {
		const policy = JSON.parse(recorder.find("hosts-log-rights").inputs.policy);
		expect(policy).toEqual({
			Version: "2012-10-17",
			Statement: [
				{
					Sid: "WriteLogs",
					Effect: "Allow",
					Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
					Resource: ["arn:aws:logs:ap-northeast-2:123456789012:log-group:/swarm-scaleout/prod/logs:*"],
				},
			],
		});
		expect(recorder.find("hosts-log-rights").inputs.role).toBe("id-of-hosts-log-role");
	});

	test("only instances take the role", () => {
		const { assumeRolePolicy, tags } = recorder.find("hosts-log-role").inputs;
		expect(JSON.parse(assumeRolePolicy).Statement).toEqual([
			{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
		]);
		expect(tags).toEqual(tagged("log"));
	});

	test("the log host has the profile, once its rights are there, and no other host has any", () => {
		expect(recorder.find("hosts-log-profile").inputs).toEqual({ role: "name-of-hosts-log-role", tags: tagged("log") });
		expect(recorder.isAfter(recorder.find("hosts-log-profile"), recorder.find("hosts-log-rights"))).toBe(true);
		const given = recorder.ofType(":Instance").map(({ name, inputs }) => [name, inputs.iamInstanceProfile]);
		expect(Object.fromEntries(given)).toEqual({ "hosts-log": "name-of-hosts-log-profile" });
	});
});

test("without, no host has any rights in the account, and there is no log group", async () => {
	const recorder = await recordHosts();
	expect(recorder.resources.filter(({ type }) => /^aws:(iam|cloudwatch)/.test(type))).toEqual([]);
	for (const { inputs } of recorder.ofType(":Instance")) expect(inputs).not.toHaveProperty("iamInstanceProfile");
});

test("with images in ECR the managers may pull the service's repository, and nothing else", async () => {
	const recorder = await recordHosts((config) => {
		config.registry = { server: "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com" };
		was(config).image = { name: "babble-was" };
	});
	expect(recorder.ofType(":InstanceProfile").map(({ name }) => name)).toEqual(["hosts-manager-profile"]);
	const { Statement } = JSON.parse(recorder.find("hosts-manager-rights").inputs.policy);
	expect(Statement.map(({ Action, Resource }: Record<string, string[]>) => [Action, Resource])).toEqual([
		[["ecr:GetAuthorizationToken"], ["*"]],
		[
			["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
			["arn:aws:ecr:ap-northeast-2:123456789012:repository/babble-was"],
		],
	]);
});
