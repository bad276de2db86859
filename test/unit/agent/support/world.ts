import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Client, Network, whyNot } from "./network.ts";
import { Node } from "./node.ts";

/** One node on a network, for the tests of a file; each finds it as it was at first. */
export interface World {
	network: Network;
	node: Node;
	/** On another host. */
	client: Client;
	/** On the node itself, as NGINX on an app node. */
	local: Client;
	/** In the container. */
	inside: Client;
}

/** Makes it before the file's tests, which are skipped where the kernel does not allow it. */
export function world(): World {
	const made = {} as World;
	const reason = whyNot();
	beforeAll(async () => {
		if (reason) return;
		made.network = new Network();
		made.node = new Node(made.network);
		made.client = made.network.client;
		made.local = made.network.clientIn(made.node.namespace);
		made.inside = made.network.clientIn(made.node.container);
		await made.node.docker.listen();
	});
	beforeEach((context) => {
		if (reason) context.skip(reason);
	});
	afterEach(() => made.node?.reset());
	afterAll(async () => {
		await made.node?.remove();
		made.network?.remove();
	});
	return made;
}
