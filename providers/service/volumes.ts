import { dockerOn } from "../../lib/docker.ts";
import { orUndefined } from "../../lib/swarm.ts";
import type { Context } from "../define.ts";
import type { ServiceInputs } from "./resource.ts";
import { ownerLabel } from "./spec.ts";

/**
 * Removes this stack's volumes, except the one named `keep`, from every node: a volume outlives its service and keeps its old options.
 * Only volumes that carry the stack's label are touched. One that a container still holds is left for the next time.
 */
export async function removeVolumes(
	inputs: Pick<ServiceInputs, "name" | "nodes" | "owner">,
	{ progress }: Pick<Context, "progress">,
	keep?: string,
): Promise<void> {
	const removeOn = async ({ name, connection }: ServiceInputs["nodes"][number]) => {
		const docker = dockerOn(connection);
		await docker.pruneContainers({ filters: { label: [`com.docker.swarm.service.name=${inputs.name}`] } });
		const { Volumes: volumes } = await docker.listVolumes({ filters: { label: [`${ownerLabel}=${inputs.owner}`] } });
		for (const volume of volumes ?? []) {
			if (volume.Name === keep) continue;
			progress(`removing volume ${volume.Name} from ${name}`);
			await orUndefined(docker.getVolume(volume.Name).remove()).catch((error) => {
				if ((error as { statusCode?: number }).statusCode !== 409) throw error;
			});
		}
	};
	await Promise.all(inputs.nodes.map(removeOn));
}
