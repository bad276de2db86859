import { type Handler, unlessGone } from "../handler.ts";
import { allTags, tagList } from "../tags.ts";

export const role: Handler = {
	inputs: { name: "replace", path: "replace", assumeRolePolicy: "update", description: "update", tags: "update" },
	computed: ["path"],
	autoname: "name",
	async create(inputs, context) {
		const { Role } = await context.iam.createRole({
			RoleName: inputs.name,
			Path: inputs.path,
			AssumeRolePolicyDocument: inputs.assumeRolePolicy,
			Description: inputs.description,
			Tags: tagList(allTags(inputs, context)),
		});
		return { id: inputs.name, outputs: { arn: Role?.Arn, path: Role?.Path, uniqueId: Role?.RoleId } };
	},
	async read(id, _state, { iam }) {
		const found = await unlessGone(iam.getRole({ RoleName: id }));
		return found?.Role && { arn: found.Role.Arn };
	},
	async update(id, olds, news, context) {
		const { iam } = context;
		await iam.updateAssumeRolePolicy({ RoleName: id, PolicyDocument: news.assumeRolePolicy });
		await iam.updateRole({ RoleName: id, Description: news.description ?? "" });
		const gone = Object.keys(allTags(olds, context)).filter((key) => !(key in allTags(news, context)));
		if (gone.length > 0) await iam.untagRole({ RoleName: id, TagKeys: gone });
		await iam.tagRole({ RoleName: id, Tags: tagList(allTags(news, context)) });
		return {};
	},
	async delete(id, _state, { iam }) {
		await unlessGone(iam.deleteRole({ RoleName: id }));
	},
};

export const rolePolicy: Handler = {
	inputs: { name: "replace", role: "replace", policy: "update" },
	autoname: "name",
	async create({ name, role, policy }, { iam }) {
		await iam.putRolePolicy({ RoleName: role, PolicyName: name, PolicyDocument: policy });
		return { id: `${role}:${name}`, outputs: {} };
	},
	async read(_id, { name, role, policy }, { iam }) {
		const found = await unlessGone(iam.getRolePolicy({ RoleName: role, PolicyName: name }));
		if (!found) return undefined;
		// The same document may come back in another layout.
		const real = decodeURIComponent(found.PolicyDocument ?? "");
		return { policy: JSON.stringify(JSON.parse(real)) === JSON.stringify(JSON.parse(policy)) ? policy : real };
	},
	async update(_id, _olds, { name, role, policy }, { iam }) {
		await iam.putRolePolicy({ RoleName: role, PolicyName: name, PolicyDocument: policy });
		return {};
	},
	async delete(_id, { name, role }, { iam }) {
		await unlessGone(iam.deleteRolePolicy({ RoleName: role, PolicyName: name }));
	},
};

export const instanceProfile: Handler = {
	inputs: { name: "replace", path: "replace", role: "replace", tags: "replace" },
	computed: ["path"],
	autoname: "name",
	async create(inputs, context) {
		const { name, path, role } = inputs;
		const Tags = tagList(allTags(inputs, context));
		const { InstanceProfile } = await context.iam.createInstanceProfile({ InstanceProfileName: name, Path: path, Tags });
		if (role) await context.iam.addRoleToInstanceProfile({ InstanceProfileName: name, RoleName: role });
		const { Arn: arn, Path, InstanceProfileId: uniqueId } = InstanceProfile ?? {};
		return { id: name, outputs: { arn, path: Path, uniqueId } };
	},
	async read(id, _state, { iam }) {
		const found = await unlessGone(iam.getInstanceProfile({ InstanceProfileName: id }));
		return found?.InstanceProfile && { role: found.InstanceProfile.Roles?.[0]?.RoleName };
	},
	async delete(id, { role }, { iam }) {
		if (role) await unlessGone(iam.removeRoleFromInstanceProfile({ InstanceProfileName: id, RoleName: role }));
		await unlessGone(iam.deleteInstanceProfile({ InstanceProfileName: id }));
	},
};
