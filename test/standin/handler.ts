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
	/** Inputs whose change needs a new resource in some cases only: those that do in this one. */
	replacing?(olds: Props, news: Props): string[];
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

/** Deep equality, whatever the order of an object's keys; an absent value and null are the same. */
export function same(a: unknown, b: unknown): boolean {
	return text(a) === text(b);
}

function text(value: unknown): string {
	return JSON.stringify(value ?? null, (_key, item) =>
		item && typeof item === "object" && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort()) : item,
	);
}

/** The engine's placeholder for a value that is not known during preview. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function holdsUnknown(value: unknown): boolean {
	if (value === unknownValue) return true;
	return value !== null && typeof value === "object" && Object.values(value).some(holdsUnknown);
}

/** Whether a value is another one, or may turn out to be. */
export const differs = (a: unknown, b: unknown): boolean => holdsUnknown(b) || !same(a, b);
