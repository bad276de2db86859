import type { Result } from "../support/stack.ts";

/** The result of an operation. @throws Error with all output when it failed. */
export async function succeeded(operation: Promise<Result>): Promise<Result> {
	const result = await operation;
	if (result.code !== 0) throw new Error(result.output);
	return result;
}

/** The value in the middle; of an even number the upper one. 0 of none. */
export function median(values: number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Time per host as a multiple of that with `base` hosts. @param seconds By number of hosts. */
export function timesAsLong(seconds: ReadonlyMap<number, number>, base: number): Map<number, number> {
	const perHost = (hosts: number) => (seconds.get(hosts) ?? Number.NaN) / hosts;
	return new Map([...seconds.keys()].map((hosts) => [hosts, perHost(hosts) / perHost(base)]));
}
