import { afterEach, beforeEach, expect } from "vitest";
import { StandInHost } from "./standInHost.ts";

/** Gives each test of the block a host of its own, on which nothing may go wrong that the test does not see. */
export function eachOnHost(use: (host: StandInHost) => void): void {
	let host: StandInHost;
	beforeEach(() => {
		host = new StandInHost();
		use(host);
	});
	afterEach(() => {
		expect(host.faults).toEqual([]);
		host.remove();
	});
}
