import * as pulumi from "@pulumi/pulumi";
import type { AwsArgs } from "./index.ts";
import { Provider } from "./sdk.ts";

/** The account and region that the parts are made in, and what they have in common. */
export interface Account {
	region: string;
	/** Name of a resource, by what it is. */
	named(what: string): string;
	/** Options of every resource. */
	opts: { parent: pulumi.Resource; provider: Provider };
	/** The tags of a resource: `Name` is unique in the account by project and stack. */
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
