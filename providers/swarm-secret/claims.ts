import type Docker from "dockerode";
import { orUndefined, ownerLabel, retryOutOfSequence } from "../../lib/swarm.ts";

/*
 * Whose a secret is. A rotation that fails leaves two resources behind in the engine's state, the new secret and the old one, which is to be deleted
 * while the service, put back, still uses it; and when the rotation is taken back, the old secret is wanted again. So a secret carries the claim of
 * the resource that wants it: only that one removes it, and one that cannot be removed yet is released, and goes when nobody uses it any more.
 */

/** Of a secret only labels can change. */
export const claimLabel = "scaleout.claim";

/** The claim of a secret that nobody wants. */
const released = "none";

interface Secret {
	ID: string;
	Version: { Index: number };
	Spec: { Name: string; Labels?: Record<string, string> };
}

/** Makes the secret that of the resource with this claim. */
export async function claim(manager: Docker, id: string, own: string): Promise<void> {
	await retryOutOfSequence(async () => {
		const { Version: version, Spec: spec } = (await manager.getSecret(id).inspect()) as unknown as Secret;
		const changed = { ...spec, Labels: { ...spec.Labels, [claimLabel]: own } };
		await manager.getSecret(id).update({ _query: { version: version.Index }, _body: changed } as never);
	});
}

/** Whether the secret is there, and is that of the resource with this claim: another one may have taken it since. */
export async function isClaimed(manager: Docker, id: string, own: string): Promise<boolean> {
	const found = (await orUndefined(manager.getSecret(id).inspect())) as unknown as Secret | undefined;
	return found !== undefined && (found.Spec.Labels?.[claimLabel] ?? own) === own;
}

/** Removes the secret; while a service uses it, says so and leaves it to `removeReleased`. */
export async function removeOrRelease(manager: Docker, id: string, note: (remark: string) => void): Promise<void> {
	const inUse = await refusal(manager, id);
	if (inUse === undefined) return;
	await claim(manager, id, released);
	note(`${inUse}: it stays until that has moved on, and goes with the next change of the service or of its secrets`);
}

/** Removes the stack's secrets that nobody wants, as far as no service uses them. */
export async function removeReleased(manager: Docker, owner: string): Promise<void> {
	const filters = { label: [`${ownerLabel}=${owner}`] };
	const found = (await manager.listSecrets({ filters: filters as never })) as unknown as Secret[];
	const mayGo = ({ Spec: { Labels: labels = {} } }: Secret) => labels[ownerLabel] === owner && labels[claimLabel] === released;
	for (const { ID: id } of found.filter(mayGo)) await refusal(manager, id);
}

/** Removes the secret; what Swarm says when a service uses it. Gone is gone. */
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
