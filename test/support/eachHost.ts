import { afterEach, beforeEach, expect } from "vitest";
import { ScratchHost } from "./scratchHost.ts";

/** Gives each test of the block a host of its own, on which nothing may go wrong that the test does not see. */
export function eachOnHost(use: (host: ScratchHost) => void): void {
	let host: ScratchHost;
	beforeEach(() => {
		host = new ScratchHost();
		use(host);
	});
	afterEach(() => {
		expect(host.faults).toEqual([]);
		host.remove();
	});
}
