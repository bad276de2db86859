import { randomUUID } from "node:crypto";
import { dockerOnManager, goneWithItsSwarm } from "../../lib/managers.ts";
import { orUndefined, ownerLabel } from "../../lib/swarm.ts";
import { defineProvider } from "../define.ts";
import { claim, claimLabel, isClaimed, removeOrRelease, removeReleased } from "./claims.ts";
import type { SwarmSecretInputs, SwarmSecretOutputs } from "./resource.ts";

/*
 * Not @pulumi/docker's secret: that asks only one manager, and treats a secret that it cannot read as gone. A refresh while that manager is down would
 * forget the secret, and no `up` could create it again, because it still exists.
 */

/** Secrets that end with their swarm: the service uses them until then. */
const endingWithSwarm = new Set<string>();

export const provider = defineProvider<SwarmSecretInputs, SwarmSecretOutputs>({
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
			throw new Error(`secrets of services: the swarm has a secret ${name} that is none of this stack: remove it there`);
		const own = randomUUID();
		if (found) {
			await claim(manager, found.ID, own);
			return { id: found.ID, outputs: { claim: own } };
		}
		const spec = { Name: name, Labels: { [ownerLabel]: owner, [claimLabel]: own }, Data: Buffer.from(value).toString("base64") };
		const made = (await manager.createSecret(spec as never)) as unknown as { id: string };
		return { id: made.id, outputs: { claim: own } };
	},

	async read(id, state) {
		const found = await orUndefined(dockerOnManager(state).getSecret(id).inspect()).catch(goneWithItsSwarm);
		return found ? { claim: state.claim } : undefined;
	},

	async update(_id, olds) {
		return { claim: olds.claim };
	},

	async delete(id, state, { note }) {
		if (endingWithSwarm.has(id)) return;
		const manager = dockerOnManager(state);
		const remove = async () => {
			if (await isClaimed(manager, id, state.claim)) await removeOrRelease(manager, id, note);
			await removeReleased(manager, state.owner);
		};
		await remove().catch(goneWithItsSwarm);
	},
});
