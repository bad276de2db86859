import type * as pulumi from "@pulumi/pulumi";
import { type Host, type HostStepArgs, hostStep, type StepOptions } from "./host.ts";
import { firstName } from "./hostNames.ts";

/** The key that signs the vendor's packages. */
const fingerprint = "937616F3450B7D806CBD9725D58167303B789C72";

/** Where logs are sent. */
export interface LogShipping {
	/** AWS region of the log group. */
	region: string;
	/** Name of the log group. */
	logGroup: string;
}

/** Sends the collected logs to CloudWatch, with the vendor's agent on the log host. The host already has the rights for that. */
export function shipLogs(
	name: string,
	log: Host,
	directory: string,
	{ region, logGroup }: LogShipping,
	opts: StepOptions,
): pulumi.Resource {
	const config = agentConfig({ host: firstName(log), directory, logGroup, region });
	return hostStep(name, log, shippingStep(region, `${JSON.stringify(config, null, "\t")}\n`), opts);
}

/**
 * The agent's configuration: every `*.log` file of the directory goes to its own stream `<host>_<path with _ for />`. The agent runs as root, because the
 * exported directory admits no other user.
 */
export function agentConfig({ host, directory, logGroup, region }: { host: string; directory: string; logGroup: string; region: string }) {
	return {
		agent: { region, run_as_user: "root" },
		logs: {
			logs_collected: {
				files: {
					collect_list: [{ file_path: `${directory}/*.log`, publish_multi_logs: true, log_group_name: logGroup, log_stream_name: host }],
				},
			},
		},
	};
}

const configFile = "/opt/aws/amazon-cloudwatch-agent/etc/scaleout.json";

/** Puts the configuration into effect. Installs the agent, if it is missing, from the vendor's bucket in the region. */
export function shippingStep(region: string, content: string): HostStepArgs {
	const bucket = `https://amazoncloudwatch-agent-${region}.s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
	return {
		step: "logs/cloudwatch",
		settings: { config: configFile, bucket, fingerprint },
		files: [{ path: configFile, content, isStaged: true }],
		checks: ["unit amazon-cloudwatch-agent"],
	};
}
