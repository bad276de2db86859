/** An IPv4 network: numbers of its first and last address, and the length of its prefix. */
export interface Network {
	first: number;
	last: number;
	prefix: number;
}

/** The number behind `192.168.0.1`. */
export function addressNumber(address: string): number {
	return address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
}

/** The network that a CIDR lies in; bits past the prefix do not count: `10.0.0.7/8` is `10.0.0.0/8`. */
export function networkOf(cidr: string): Network {
	const [address = "", length = "32"] = cidr.split("/");
	const prefix = Number(length);
	const size = 2 ** (32 - prefix);
	const first = Math.floor(addressNumber(address) / size) * size;
	return { first, last: first + size - 1, prefix };
}

/** As it is written: `192.168.0.0/16`. */
export function describeNetwork({ first, prefix }: Network): string {
	return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${prefix}`;
}

export function contains(outer: Network, inner: Pick<Network, "first" | "last">): boolean {
	return outer.first <= inner.first && inner.last <= outer.last;
}

export function overlap(a: Network, b: Network): boolean {
	return a.first <= b.last && b.first <= a.last;
}
