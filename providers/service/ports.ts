import type Docker from "dockerode";
import { ownerLabel } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/*
 * A published port moves from one service to another in two `up`s. In a single one the load balancer, which learns of changes last, would meanwhile send
 * clients of the one service to the other.
 */

/** Ports that services gave up since this process started: from swarm and port to the service's name. */
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

/** The part of a listed service that is read here. */
interface ListedService {
	Spec: { Name: string; EndpointSpec?: { Ports?: { PublishedPort?: number }[] } };
}
