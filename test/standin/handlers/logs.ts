import { type Handler, type Props, unlessGone } from "../handler.ts";
import { allTags } from "../tags.ts";

export const logGroup: Handler = {
	inputs: { name: "replace", retentionInDays: "update", skipDestroy: "update", kmsKeyId: "replace", tags: "replace" },
	autoname: "name",
	async create(inputs, context) {
		const { name, kmsKeyId } = inputs;
		await context.logs.createLogGroup({ logGroupName: name, kmsKeyId, tags: allTags(inputs, context) });
		await retain(inputs, context);
		const { logGroups } = await context.logs.describeLogGroups({ logGroupNamePrefix: name });
		return { id: name, outputs: { arn: logGroups?.find(({ logGroupName }) => logGroupName === name)?.arn?.replace(/:\*$/, "") } };
	},
	async read(id, _state, { logs }) {
		const found = await unlessGone(logs.describeLogGroups({ logGroupNamePrefix: id }));
		const group = found?.logGroups?.find(({ logGroupName }) => logGroupName === id);
		return group && { retentionInDays: group.retentionInDays };
	},
	async update(_id, _olds, news, context) {
		await retain(news, context);
		return {};
	},
	async delete(id, { skipDestroy }, { logs }) {
		if (!skipDestroy) await unlessGone(logs.deleteLogGroup({ logGroupName: id }));
	},
};

/** No retention, or 0, keeps the entries forever. */
async function retain({ name, retentionInDays }: Props, { logs }: Parameters<Handler["create"]>[1]): Promise<void> {
	if (retentionInDays) await logs.putRetentionPolicy({ logGroupName: name, retentionInDays });
	else await logs.deleteRetentionPolicy({ logGroupName: name });
}
