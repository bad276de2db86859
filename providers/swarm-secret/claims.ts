import type Docker from "dockerode";
import { orUndefined, ownerLabel, retryOutOfSequence } from "../../lib/swarm.ts";

/*
 * Which resource owns a secret. A failed rotation leaves two resources in the engine's state: the new secret, and the old one, which is to be deleted
 * although the service, rolled back, still uses it. If the rotation is then undone, the old secret is wanted again. So a secret carries the claim of the
 * resource that wants it, and only that resource removes it. A secret that cannot be removed yet is released, and removed once nothing uses it.
 */

/** A label, because nothing else of a secret can change. */
export const claimLabel = "scaleout.claim";

/** The claim of a secret that no resource wants. */
const released = "none";

interface Secret {
	ID: string;
	Version: { Index: number };
	Spec: { Name: string; Labels?: Record<string, string> };
}

/** Gives the secret to the resource with this claim. */
export async function claim(manager: Docker, id: string, own: string): Promise<void> {
	await retryOutOfSequence(async () => {
		const { Version: version, Spec: spec } = (await manager.getSecret(id).inspect()) as unknown as Secret;
		const changed = { ...spec, Labels: { ...spec.Labels, [claimLabel]: own } };
		await manager.getSecret(id).update({ _query: { version: version.Index }, _body: changed } as never);
	});
}

/** Whether the secret exists and belongs to the resource with this claim: another resource may have claimed it since. */
export async function isClaimed(manager: Docker, id: string, own: string): Promise<boolean> {
	const found = (await orUndefined(manager.getSecret(id).inspect())) as unknown as Secret | undefined;
	return found !== undefined && (found.Spec.Labels?.[claimLabel] ?? own) === own;
}

/** Removes the secret. If a service still uses it, says so and leaves it to `removeReleased`. */
export async function removeOrRelease(manager: Docker, id: string, note: (remark: string) => void): Promise<void> {
	const inUse = await refusal(manager, id);
	if (inUse === undefined) return;
	await claim(manager, id, released);
	note(`${inUse}: it stays until that has moved on, and goes with the next change of the service or of its secrets`);
}

/** Removes the stack's released secrets that no service uses. */
export async function removeReleased(manager: Docker, owner: string): Promise<void> {
	const filters = { label: [`${ownerLabel}=${owner}`] };
	const found = (await manager.listSecrets({ filters: filters as never })) as unknown as Secret[];
	const mayGo = ({ Spec: { Labels: labels = {} } }: Secret) => labels[ownerLabel] === owner && labels[claimLabel] === released;
	for (const { ID: id } of found.filter(mayGo)) await refusal(manager, id);
}

/** Removes the secret, which may be gone already. @returns Swarm's message if a service uses it. */
async function refusal(manager: Docker, id: string): Promise<string | undefined> {
	try {
		await orUndefined(manager.getSecret(id).remove());
		return undefined;
	} catch (error) {
		const [found] = /secret '.*' is in use by .*/.exec((error as Error).message) ?? [];
		if (found === undefined) throw error;
		return found;
	}
}
