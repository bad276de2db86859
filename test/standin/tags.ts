import type { ResourceType, TagSpecification } from "@aws-sdk/client-ec2";
import type { Context, Props } from "./handler.ts";

type Tags = Record<string, string>;

/** The resource's own tags over the provider's default ones. */
export const allTags = (inputs: Props, { defaultTags }: Context): Tags => ({ ...defaultTags, ...inputs.tags });

export const tagList = (tags: Tags) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** The tags of something that EC2 is about to create. */
export function tagged(type: ResourceType, inputs: Props, context: Context): TagSpecification[] | undefined {
	const Tags = tagList(allTags(inputs, context));
	return Tags.length > 0 ? [{ ResourceType: type, Tags }] : undefined;
}

/** Makes the tags of something in EC2 those of `news`. */
export async function retag(id: string, olds: Props, news: Props, context: Context): Promise<Props> {
	const [before, after] = [allTags(olds, context), allTags(news, context)];
	const gone = Object.keys(before).filter((key) => !(key in after));
	if (gone.length > 0) await context.ec2.deleteTags({ Resources: [id], Tags: gone.map((Key) => ({ Key })) });
	if (Object.keys(after).length > 0) await context.ec2.createTags({ Resources: [id], Tags: tagList(after) });
	return { tagsAll: after };
}
