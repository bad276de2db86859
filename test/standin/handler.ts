import type { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import type { EC2 } from "@aws-sdk/client-ec2";
import type { IAM } from "@aws-sdk/client-iam";
import type { SSM } from "@aws-sdk/client-ssm";

// biome-ignore lint/suspicious/noExplicitAny: resource properties are of any shape; the SDK and the API judge them
export type Props = Record<string, any>;

/** What the handlers work with: the API of one region, and the place for local machines. */
export interface Context {
	region: string;
	ec2: EC2;
	iam: IAM;
	ssm: SSM;
	logs: CloudWatchLogs;
	/** The provider's default tags. */
	defaultTags: Record<string, string>;
	/** Directory of the local machines' files. Absent: instances live in the emulator alone. */
	machines?: string;
}

/** Whether a change of an input is made in place or needs a new resource, as the real provider documents it. */
export type ChangeKind = "update" | "replace";

/** One resource type: how it is created, read, changed and deleted at the API. */
export interface Handler {
	/** Every input the stand-in knows. One that is not here is refused, so that nothing goes by unjudged. */
	inputs: Record<string, ChangeKind>;
	/** Inputs that the API chooses when they are not given. */
	computed?: string[];
	/** The input that gets a name made of the resource's when it is not given. */
	autoname?: string;
	create(inputs: Props, context: Context): Promise<{ id: string; outputs: Props }>;
	/** The current outputs, or undefined when it is gone. */
	read(id: string, state: Props, context: Context): Promise<Props | undefined>;
	/** Makes the changes in place and returns the outputs that come with them. Absent: every change replaces. */
	update?(id: string, olds: Props, news: Props, context: Context): Promise<Props>;
	delete(id: string, state: Props, context: Context): Promise<void>;
}

export type Invoke = (args: Props, context: Context) => Promise<Props>;

/** The answer, or undefined when the API says that the thing does not exist. */
export async function unlessGone<T>(request: Promise<T>): Promise<T | undefined> {
	try {
		return await request;
	} catch (error) {
		if (/NotFound|NoSuchEntity|ResourceNotFound/.test((error as Error).name)) return undefined;
		throw error;
	}
}

/** `key` of every item, for lists that may be absent. */
export const sameItems = (a: unknown[] = [], b: unknown[] = []): boolean => JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
