import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Change, Operation } from "../../../cli/changes.ts";
import { disruptionOf, unknownReason } from "../../../cli/disruption.ts";
import type { Class } from "../../../lib/disruption.ts";
import { type Props, Recorder } from "../../support/mocks.ts";
import { runProgram } from "../../support/program.ts";
import { labConfig } from "../fixtures.ts";

const roles = new Map([
	["hosts-manager", ["manager", "app"]],
	["hosts-worker1", ["worker", "app"]],
	["hosts-log", ["log"]],
	["hosts-nginx", ["balancer"]],
]);
const dynamic = (type: string) => `pulumi-nodejs:dynamic/scaleout:${type}`;
const command = "command:remote:Command";

function change(type: string, name: string, operation: Operation, more: Partial<Change> = {}): Change {
	return { urn: "", type, name, operation, changed: [], olds: {}, news: {}, ...more };
}

const step = (kind: string, operation: Operation, { olds = {}, news = {} }: Partial<Change> = {}) => {
	const create = `sudo -n bash /usr/local/lib/scaleout/steps/scaleout-lab/run.sh ${kind}`;
	return change(command, "step", operation, {
		olds: operation === "create" ? {} : { create, ...olds },
		news: operation === "delete" ? {} : { create, ...news },
	});
};

const service = (changed: string[], olds: Props = {}, news: Props = {}) => {
	const inputs = {
		name: "was",
		publish: { mode: "host" },
		rollout: { strategy: "lossless", parallelism: 1, order: [] },
		mount: { type: "volume", device: ":/logs", target: "/l" },
	};
	return change(dynamic("Service"), "was", "update", { changed, olds: { ...inputs, ...olds }, news: { ...inputs, ...news } });
};
const swarmStrategy = { rollout: { strategy: "swarm", parallelism: 1, order: [] } };

// biome-ignore format: one change a row
const table: [string, Change, Class][] = [
	["a new image", service(["image"]), "lossless rolling"],
	["a new image, stopped by Swarm", service(["image"], {}, swarmStrategy), "interruption"],
	["a new image behind the routing mesh", service(["image"], {}, { publish: { mode: "ingress" } }), "interruption"],
	["a secret value of the service, which the preview does not show", service([]), "lossless rolling"],
	["a variable of the service added by hand, which its provider tells", { ...service([]), note: "lossless rolling: what was changed by hand (TaskTemplate.ContainerSpec.Env) replaces the tasks" }, "lossless rolling"],
	["another published port of the service, which its provider tells", { ...service(["publish"]), note: "interruption: publish replaces the tasks" }, "interruption"],
	["a service on its only node", service(["image"], {}, { nodes: [{ name: "manager" }] }), "interruption"],
	["more replicas", service(["replicas", "nodes"]), "none"],
	["other mount options", service(["mount"], {}, { mount: { type: "volume", device: ":/logs", target: "/l", options: "hard" } }), "lossless rolling"],
	["another place for the logs", service(["mount"], {}, { mount: { type: "volume", device: ":/other", target: "/l" } }), "data"],
	["a service under another name", change(dynamic("Service"), "was", "replace"), "interruption"],
	["the service goes", change(dynamic("Service"), "was", "delete"), "interruption"],
	["another balancing method", step("nginx/site", "update", { changed: ["stdin"] }), "reload"],
	["NGINX goes", step("nginx/site", "delete"), "interruption"],
	["maintenance on", step("nginx/maintenance", "update", { news: { stdin: "@step nginx/maintenance 1\n@set maintenance on\n" } }), "interruption"],
	["maintenance off", step("nginx/maintenance", "update", { news: { stdin: "@step nginx/maintenance 1\n@set maintenance off\n" } }), "none"],
	["the clients of an export", step("nfs/clients", "create"), "none"],
	["another client, or one less", step("nfs/clients", "replace"), "none"],
	["other options of the export", step("nfs/clients", "update"), "reload"],
	["the logs' directory", step("nfs/server", "update"), "reload"],
	["another export", step("nfs/server", "update", { olds: { stdin: "@set path /logs\n" }, news: { stdin: "@set path /other\n" } }), "data"],
	["the export goes", step("nfs/server", "delete"), "interruption"],
	["a drain agent", step("drain/agent", "update"), "none"],
	["scripts of the steps, or packages", change(dynamic("HostBootstrap"), "hosts-worker1-bootstrap", "update"), "none"],
	["a node joins", change(dynamic("SwarmNode"), "worker1", "create"), "none"],
	["a node leaves", change(dynamic("SwarmNode"), "worker1", "delete"), "node replacement"],
	["a node with another address", change(dynamic("SwarmNode"), "worker1", "replace"), "node replacement"],
	["a node that begins to serve", change(dynamic("NodeLabel"), "babble-was-label-worker1", "create"), "none"],
	["a node that ceases to serve", change(dynamic("NodeLabel"), "babble-was-label-worker1", "delete"), "node replacement"],
	["a node that serves, recreated", change(dynamic("NodeLabel"), "babble-was-label-worker1", "replace"), "node replacement"],
	["a label that somebody took away", change(dynamic("NodeLabel"), "babble-was-label-worker1", "update"), "none"],
	["another export", change(dynamic("NodeLabel"), "babble-was-label-worker1", "update", { changed: ["mount"], news: { mount: {} } }), "none"],
	["other limits of a drain", change(dynamic("NodeLabel"), "babble-was-label-worker1", "update", { changed: ["stopSeconds"] }), "none"],
	["a label for a service of another name", change(dynamic("NodeLabel"), "babble-was-label-worker1", "update", { changed: ["value", "service"] }), "interruption"],
	["a node that someone drained", change(dynamic("SwarmNode"), "worker1", "update"), "lossless rolling"],
	["the swarm recreated", change(dynamic("SwarmCluster"), "swarm", "replace"), "interruption"],
	["memory of a worker's machine", change(dynamic("Machine"), "hosts-worker1", "update", { changed: ["memoryMiB"] }), "node replacement"],
	["memory of NGINX's machine", change(dynamic("Machine"), "hosts-nginx", "update"), "interruption"],
	["the log machine recreated", change(dynamic("Machine"), "hosts-log", "replace"), "interruption"],
	["a machine of which nothing is known", change(dynamic("Machine"), "hosts-other", "update"), "interruption"],
	["the log disk goes", change(dynamic("Disk"), "log-disk", "delete"), "data"],
	["the log disk recreated", change(dynamic("Disk"), "log-disk", "replace"), "data"],
	["an image is built", change("docker:index/image:Image", "was", "update"), "none"],
	["a secret recreated", change(dynamic("SwarmSecret"), "was", "replace"), "none"],
	["another type of a worker's instance", change("aws:ec2/instance:Instance", "hosts-worker1", "update", { changed: ["instanceType"] }), "node replacement"],
	["NGINX's instance recreated", change("aws:ec2/instance:Instance", "hosts-nginx", "replace"), "interruption"],
	["tags of an instance", change("aws:ec2/instance:Instance", "hosts-worker1", "update", { changed: ["tags", "tagsAll"] }), "none"],
	["the log volume recreated", change("aws:ebs/volume:Volume", "log", "replace"), "data"],
	["a new rule of a security group", change("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ssh", "create"), "none"],
	["a changed rule of a security group", change("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ssh", "update", { changed: ["cidrIpv4"] }), "interruption"],
];

test.each(table)("%s", (_what, given, expected) => {
	expect(disruptionOf(given, roles)).toMatchObject({ class: expected, reason: expect.stringMatching(/./) });
});

describe("what no rule knows counts as the worst", () => {
	test.each([
		["a type", change("random:index:Pet", "pet", "create")],
		["a type of AWS", change("aws:rds/instance:Instance", "db", "update")],
		["an unknown step", step("nginx/mystery", "update")],
		["one that is called as nothing should be", step("constructor", "update")],
		["a command that is no step", change(command, "nginx", "update", { news: { create: "reboot" } })],
	])("%s", (_what, given) => {
		expect(disruptionOf(given, roles)).toEqual({ class: "data", reason: unknownReason });
	});
});

describe("every resource of the lab's stack is known, whatever happens to it", () => {
	const recorder = new Recorder();
	const home = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-home-"));
	beforeAll(async () => {
		vi.stubEnv("HOME", home);
		vi.stubEnv("DATASOURCE_PASSWORD", "a");
		vi.stubEnv("REDIS_PASSWORD", "b");
		const config = Object.fromEntries(Object.entries(labConfig()).map(([key, value]) => [`swarm-scaleout:${key}`, value]));
		await runProgram(recorder, config, "lab");
	});
	afterAll(() => {
		vi.unstubAllEnvs();
		fs.rmSync(home, { recursive: true });
	});

	test.each(["create", "update", "replace", "delete"] as const)("%s", (operation) => {
		const resources = recorder.resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:providers:"));
		expect(resources.length).toBeGreaterThan(30);
		for (const { type, name, inputs } of resources) {
			const { reason } = disruptionOf(change(type, name, operation, { olds: inputs, news: inputs }), roles);
			expect(reason, `${type} ${name}: give it a rule in cli/disruption.ts`).not.toBe(unknownReason);
		}
	});
});
