import * as net from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressNumber, contains, describeNetwork, networkOf, overlap } from "../../../lib/ipv4.ts";

test.each([
	["192.168.2.0/24", "192.168.2.0/24", 3232236032, 3232236287],
	["192.168.2.137/24", "192.168.2.0/24", 3232236032, 3232236287],
	["0.0.0.0/0", "0.0.0.0/0", 0, 4294967295],
	["203.0.113.7/32", "203.0.113.7/32", 3405803783, 3405803783],
])("%s is the network %s, from %i to %i", (cidr, network, first, last) => {
	expect(networkOf(cidr)).toMatchObject({ first, last });
	expect(describeNetwork(networkOf(cidr))).toBe(network);
});

describe("networks compared", () => {
	test.each([
		["192.168.0.0/16", "192.168.3.0/24", true, true],
		["192.168.3.0/24", "192.168.0.0/16", false, true],
		["192.168.2.0/24", "192.168.3.0/24", false, false],
		["192.168.2.0/23", "192.168.3.0/24", true, true],
	])("%s and %s: contains %s, overlaps %s", (a, b, inside, shared) => {
		expect(contains(networkOf(a), networkOf(b))).toBe(inside);
		expect(overlap(networkOf(a), networkOf(b))).toBe(shared);
	});
});

test("an address lies in a network exactly when Node's own list says so", () => {
	const address = fc.ipV4();
	const prefix = fc.integer({ min: 0, max: 32 });
	fc.assert(
		fc.property(address, prefix, address, (base, length, candidate) => {
			const list = new net.BlockList();
			list.addSubnet(base, length);
			const number = addressNumber(candidate);
			expect(contains(networkOf(`${base}/${length}`), { first: number, last: number })).toBe(list.check(candidate));
		}),
	);
});
