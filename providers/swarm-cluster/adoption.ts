import { sameValue } from "../define.ts";
import type { SwarmClusterInputs } from "./resource.ts";

/** What `GET /swarm` of the Engine API says of what is settled at init. */
interface SwarmSettings {
	DataPathPort?: number;
	DefaultAddrPool?: string[];
	SubnetSize?: number;
}

type Settings = Pick<SwarmClusterInputs, "dataPathPort" | "defaultAddrPool" | "subnetSize">;

/** Docker says 0, or nothing, where it goes by its defaults. */
const defaultDataPathPort = 4789;

/**
 * Where a swarm made by other means differs from the configuration in what only another init could change, a line each: property, what the swarm
 * has, what is configured. An empty `defaultAddrPool` leaves the pools to Docker, so any will do. Pure.
 */
export function differences(found: SwarmSettings, wanted: Settings): string[] {
	const line = (property: string, has: unknown, configured: unknown) =>
		`swarm.${property} is ${JSON.stringify(has)} there, ${JSON.stringify(configured)} in the configuration`;
	const { DefaultAddrPool: pool = [], SubnetSize: size } = found;
	const port = found.DataPathPort || defaultDataPathPort;
	return [
		...(port === wanted.dataPathPort ? [] : [line("dataPathPort", port, wanted.dataPathPort)]),
		...(wanted.defaultAddrPool.length === 0 || sameValue(pool, wanted.defaultAddrPool)
			? []
			: [line("defaultAddrPool", pool, wanted.defaultAddrPool)]),
		...(!size || size === wanted.subnetSize ? [] : [line("subnetSize", size, wanted.subnetSize)]),
	];
}
