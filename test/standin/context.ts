import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EC2 } from "@aws-sdk/client-ec2";
import { IAM } from "@aws-sdk/client-iam";
import { SSM } from "@aws-sdk/client-ssm";
import type { Context, Props } from "./handler.ts";

/** A region that every account has, to ask which others there are. */
const homeRegion = "us-east-1";

/** The API of the configured region. Endpoint and credentials come from the environment, as for any AWS client. */
export async function contextOf({ region, defaultTags }: Props): Promise<Context> {
	if (!region) throw new Error("Missing region configuration");
	const { Regions = [] } = await new EC2({ region: homeRegion }).describeRegions({ AllRegions: true });
	if (!Regions.some(({ RegionName }) => RegionName === region)) throw new Error(`invalid AWS Region: ${region}`);
	// A nested value of a provider's configuration comes as JSON.
	const { tags = {} } = typeof defaultTags === "string" ? JSON.parse(defaultTags) : (defaultTags ?? {});
	return {
		region,
		ec2: new EC2({ region }),
		iam: new IAM({ region }),
		ssm: new SSM({ region }),
		logs: new CloudWatchLogs({ region }),
		defaultTags: tags,
		machines: process.env.SCALEOUT_STANDIN_MACHINES,
	};
}
