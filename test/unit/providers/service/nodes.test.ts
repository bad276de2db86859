import { expect, test } from "vitest";
import { provider } from "../../../../providers/service/provider.ts";
import { connection } from "../../fixtures.ts";

const node = { name: "worker2", nodeId: "node-2", address: "192.168.3.5", connection: connection() };
const image = `babble-was@sha256:${"d".repeat(64)}`;
const state = { nodes: [node], replicas: 1, imageDigest: image, observed: { image, running: 1 } };

// biome-ignore format: one change a row
test.each([
	["under another name in the configuration is the same node", { name: "tokyo" }, false],
	["at another address is looked at there", { address: "192.168.3.6" }, true],
	["that joined again is another node", { nodeId: "node-3" }, true],
	["that is reached in another way is asked so", { connection: connection({ port: 2222 }) }, true],
])("a node %s", async (_what, change, changes) => {
	expect(await provider.diff("service", state, { ...state, nodes: [{ ...node, ...change }] })).toMatchObject({ changes, replaces: [] });
});
