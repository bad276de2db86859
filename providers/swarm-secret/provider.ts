import { dockerOnManager, goneWithItsSwarm } from "../../lib/managers.ts";
import { orUndefined, ownerLabel } from "../../lib/swarm.ts";
import { defineProvider } from "../define.ts";
import type { SwarmSecretInputs } from "./resource.ts";

/*
 * @pulumi/docker asks one manager only, and takes a secret that it cannot look at for gone: a refresh while that manager was down would forget
 * it, and no `up` could make it again beside the one that is there.
 */

/** Secrets that go with their swarm: the service still uses them until then. */
const endingWithSwarm = new Set<string>();

export const provider = defineProvider<SwarmSecretInputs, object>({
	inputs: {
		managers: "update",
		clusterId: "identity",
		owner: "ignore",
		name: "replace",
		// Another value has another name.
		value: "ignore",
	},

	willReplace: (id, causes) => causes.includes("clusterId") && void endingWithSwarm.add(id),

	async create(inputs) {
		const manager = dockerOnManager(inputs);
		const { name, owner, value } = inputs;
		const found = (await manager.listSecrets({ filters: { name: [name] } as never })).find(({ Spec: spec }) => spec?.Name === name);
		if (found && found.Spec?.Labels?.[ownerLabel] !== owner)
			throw new Error(`service.secrets: the swarm has a secret ${name} that is none of this stack: remove it there`);
		if (found) return { id: found.ID, outputs: {} };
		const spec = { Name: name, Labels: { [ownerLabel]: owner }, Data: Buffer.from(value).toString("base64") };
		const made = (await manager.createSecret(spec as never)) as unknown as { id: string };
		return { id: made.id, outputs: {} };
	},

	async read(id, state) {
		const found = await orUndefined(dockerOnManager(state).getSecret(id).inspect()).catch(goneWithItsSwarm);
		return found ? {} : undefined;
	},

	async update() {
		return {};
	},

	async delete(id, state) {
		if (endingWithSwarm.has(id)) return;
		await orUndefined(dockerOnManager(state).getSecret(id).remove()).catch(goneWithItsSwarm);
	},
});
