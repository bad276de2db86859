import * as pulumi from "@pulumi/pulumi";
import type { AwsArgs } from "./index.ts";
import { Provider } from "./sdk.ts";

/** The account and region of the parts, and what they have in common. */
export interface Account {
	region: string;
	/** Name of a resource, from what it is. */
	named(what: string): string;
	/** Options of every resource. */
	opts: { parent: pulumi.Resource; provider: Provider };
	/** The tags of a resource. `Name` contains project and stack, so that it is unique in the account. */
	tags(what: string): Record<string, string>;
}

export function account({ aws }: Pick<AwsArgs, "aws">, name: string, parent: pulumi.Resource): Account {
	const [Project, Stack] = [pulumi.getProject(), pulumi.getStack()];
	const region = aws.region as string;
	const named = (what: string) => `${name}-${what}`;
	const provider = new Provider(named("aws"), { region, ...(aws.profile && { profile: aws.profile }) }, { parent });
	return {
		region,
		named,
		opts: { parent, provider },
		tags: (what) => ({ ...aws.tags, Project, Stack, Name: `${Project}-${Stack}-${what}` }),
	};
}
