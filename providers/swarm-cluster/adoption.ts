import { sameValue } from "../define.ts";
import type { SwarmClusterInputs } from "./resource.ts";

/** Settings that are fixed at init, as `GET /swarm` of the Engine API returns them. */
interface SwarmSettings {
	DataPathPort?: number;
	DefaultAddrPool?: string[];
	SubnetSize?: number;
}

type Settings = Pick<SwarmClusterInputs, "dataPathPort" | "defaultAddrPool" | "subnetSize">;

/** Docker returns 0, or nothing, for its defaults. */
const defaultDataPathPort = 4789;

/**
 * Differences between a swarm made by other means and the configuration that only another init could change, one line each: property, the swarm's
 * value, the configured value. An empty `defaultAddrPool` leaves the pools to Docker, so any pools match. Pure.
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
