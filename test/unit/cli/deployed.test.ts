import { expect, test } from "vitest";
import { deployedOf } from "../../../cli/deployed.ts";
import { isCurrent } from "../../../cli/observe.ts";
import { connection } from "../fixtures.ts";
import { serviceInputs } from "../providers/service/inputs.ts";

const urn = (type: string, name: string) => `urn:pulumi:lab::swarm-scaleout::${type}::${name}`;
const dynamic = (kind: string, name: string, inputs: object, outputs: object = {}) => {
	const type = `pulumi-nodejs:dynamic/scaleout:${kind}`;
	return { type, urn: urn(type, name), inputs, outputs };
};

function deployed(strategy: string, mode = "host") {
	const inputs = serviceInputs();
	const nodes = [
		{ name: "worker1", roles: ["worker", "app"], address: "192.168.2.142" },
		{ name: "log", roles: ["log"], address: "192.168.1.20" },
	];
	const addresses = Object.fromEntries(nodes.map(({ name, address }) => [name, address]));
	const outputs = { endpoint: "http://was", swarmId: "swarm", nodes: addresses, nfs: { path: "/mnt/logs" } };
	return deployedOf([
		{ type: "pulumi:pulumi:Stack", urn: urn("pulumi:pulumi:Stack", "lab"), outputs },
		...nodes.map(({ name, roles }) =>
			dynamic("HostBootstrap", `hosts-${name}-bootstrap`, { host: name, roles, connection: connection({ host: name }) }),
		),
		dynamic("SwarmNode", "swarm-worker1", { advertiseAddress: "192.168.2.142" }, { nodeId: "id-of-worker1" }),
		dynamic(
			"Service",
			"babble-was",
			{ ...inputs, publish: { ...inputs.publish, mode }, rollout: { ...inputs.rollout, strategy, peerPort: 7950 } },
			{ imageDigest: "image" },
		),
	]);
}

test("a host is known by the ID of its node, and one that is none has no ID", () => {
	expect(deployed("lossless").hosts.map(({ name, nodeId, connection }) => [name, nodeId, connection.host])).toEqual([
		["worker1", "id-of-worker1", "worker1"],
		["log", undefined, "log"],
	]);
});

test("agents are asked where there are any, and health is what the service was deployed with", () => {
	expect(deployed("lossless").services[0]).toMatchObject({
		peerPort: 7950,
		health: { path: "/health", status: [200], host: "localhost", timeoutSeconds: 7 },
	});
	expect(deployed("swarm").services[0]).not.toHaveProperty("peerPort");
	expect(deployed("lossless", "ingress").services[0]).not.toHaveProperty("peerPort");
});

test("a task counts as updated when it was made of what the service is now", () => {
	const template = { ContainerSpec: { Image: "was:2", Env: ["A=1"] }, ForceUpdate: 1, Runtime: "container" };
	const task = (spec: object) => ({ Spec: spec }) as never;
	expect(isCurrent(task({ ...template, Runtime: undefined }), template)).toBe(true);
	expect(isCurrent(task({ ...template, ForceUpdate: 0 }), template)).toBe(false);
	expect(isCurrent(task({ ...template, ContainerSpec: { Image: "was:2", Env: ["A=2"] } }), template)).toBe(false);
});
