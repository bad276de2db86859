import type Docker from "dockerode";
import { ownerLabel } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/*
 * A published port goes from one service to another in two `up`s: the load balancer learns of both changes last, and would send clients of the one to the
 * other meanwhile.
 */

/** Ports that services have ceased to publish while this process runs, by swarm and port: the service's name. */
const givenUp = new Map<string, string>();

const keyOf = (clusterId: string, port: number) => `${clusterId} ${port}`;

/** Notes that a service moves to another port. */
export function notePortMove(olds: ServiceInputs, news: ServiceInputs): void {
	if (olds.publish.published !== news.publish.published) givenUp.set(keyOf(news.clusterId, olds.publish.published), olds.name);
}

/** The other service of the stack that has the port, or had it when this `up` began. */
export async function portHolder({ name, owner, clusterId, publish }: ServiceInputs, swarm: Docker): Promise<string | undefined> {
	const had = givenUp.get(keyOf(clusterId, publish.published));
	if (had !== undefined && had !== name) return had;
	const all = (await swarm.listServices({ filters: JSON.stringify({ label: [`${ownerLabel}=${owner}`] }) as never })) as ListedService[];
	return all.find(
		({ Spec: spec }) => spec.Name !== name && spec.EndpointSpec?.Ports?.some(({ PublishedPort: port }) => port === publish.published),
	)?.Spec.Name;
}

/** What is read of a service in the list. */
interface ListedService {
	Spec: { Name: string; EndpointSpec?: { Ports?: { PublishedPort?: number }[] } };
}
