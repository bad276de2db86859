import { describe, expect, test } from "vitest";
import { assess } from "../../../operate/assess.ts";
import type { Deployed } from "../../../operate/deployed.ts";
import type { Observed } from "../../../operate/observe.ts";
import { connection } from "../fixtures.ts";

const image = `registry/was@sha256:${"d".repeat(64)}`;
const apps = ["manager", "worker1", "worker2"];
const addressOf: Record<string, string> = { manager: "192.168.2.137", worker1: "192.168.2.142", worker2: "192.168.3.5" };

const deployed: Deployed = {
	endpoint: "http://was",
	swarmId: "swarm",
	hosts: [
		...apps.map((name) => ({
			name,
			roles: [name === "manager" ? "manager" : "worker", "app"],
			address: addressOf[name] as string,
			connection: connection(),
		})),
		{ name: "log", roles: ["log"], address: "192.168.1.20", connection: connection() },
	],
	service: {
		name: "was",
		image,
		replicas: 3,
		published: 8080,
		mode: "host",
		volume: "nfs-1",
		nodes: apps.map((name) => ({ name, address: addressOf[name] as string })),
	},
	exportPath: "/mnt/logs",
};

/** All is well, but for the change. */
function observed(change: (healthy: Required<Observed>) => void = () => {}): Observed {
	const healthy: Required<Observed> = {
		unreachable: [],
		nodes: apps.map((name) => ({
			name,
			role: name === "manager" ? "manager" : "worker",
			state: "ready",
			availability: "active",
			manager: name === "manager" ? "leader" : "",
			docker: "20.10.24",
		})),
		service: { image, update: "completed", message: "" },
		tasks: apps.map((node) => ({ node, state: "running", image, error: "" })),
		apps: Object.fromEntries(apps.map((name) => [name, { isClosed: false, volumes: ["nfs-1"] }])),
		nginx: { isActive: true, version: "1.22.1", servers: apps.map((name) => `${addressOf[name]}:8080`) },
		log: { isActive: true, exports: apps.map((name) => addressOf[name] as string), usedPercent: 10 },
		endpoint: "200",
	};
	change(healthy);
	return healthy;
}

type Row = [what: string, change: (healthy: Required<Observed>) => void, problem: string];
const first = <T>(items: T[]) => items[0] as T;

describe("what is wrong", () => {
	test("is nothing while all is as deployed", () => {
		expect(assess(deployed, observed())).toEqual([]);
	});

	// biome-ignore format: one fault a row
	test.each<Row>([
		["a host that does not answer", (o) => { o.unreachable.push({ host: "log", problem: "timed out" }); }, "log cannot be asked: timed out"],
		["a node that is down", (o) => { first(o.nodes).state = "down"; }, "node manager is down and active"],
		["a node that is drained", (o) => { first(o.nodes).availability = "drain"; }, "node manager is ready and drain"],
		["a node of another role", (o) => { first(o.nodes).role = "worker"; }, "node manager is a worker instead of a manager"],
		["a node that left", (o) => { o.nodes.pop(); }, "worker2 is not in the swarm"],
		["a node nobody configured", (o) => { o.nodes.push({ ...first(o.nodes), name: "stranger" }); }, "node stranger is none of this stack"],
		["a service that is gone", (o) => { (o as Observed).service = undefined; }, "service was is not there"],
		["a task that does not run", (o) => { o.tasks.pop(); }, "2 of 3 tasks run"],
		["a task with an error", (o) => { first(o.tasks).error = "no such image"; }, "task on manager is running: no such image"],
		["another image", (o) => { o.service.image = "other"; }, `the service's image is other instead of ${image}`],
		["a paused rollout", (o) => { o.service.update = "paused"; o.service.message = "task failed"; }, "the last rollout is paused: task failed"],
		["a node that refuses connections", (o) => { Object.assign(o.apps.worker1 ?? {}, { isClosed: true }); }, "worker1 refuses new connections"],
		["a stale volume", (o) => { o.apps.worker1?.volumes?.push("nfs-0"); }, "worker1 has old volumes: nfs-0"],
		["an NFS server that Docker waits for", (o) => { delete o.apps.worker1?.volumes; }, "Docker on worker1 does not tell of its volumes: it is stopped, or waits for their NFS server"],
		["NGINX down", (o) => { o.nginx.isActive = false; }, "NGINX does not run"],
		["a server that is missing", (o) => { o.nginx.servers.pop(); }, "NGINX does not balance over 192.168.3.5:8080"],
		["a server too many", (o) => { o.nginx.servers.push("10.0.0.9:8080"); }, "NGINX balances over 10.0.0.9:8080, which is none of this stack"],
		["the NFS server down", (o) => { o.log.isActive = false; }, "the NFS server does not run"],
		["the export gone", (o) => { o.log.exports = []; }, "/mnt/logs is not exported"],
		["a full disk", (o) => { o.log.usedPercent = 97; }, "the disk of /mnt/logs is 97 % full"],
		["an endpoint that fails", (o) => { o.endpoint = "502"; }, "http://was answers 502"],
		["an endpoint that is not there", (o) => { o.endpoint = "connect ECONNREFUSED"; }, "http://was answers connect ECONNREFUSED"],
	])("%s", (_what, change, problem) => {
		expect(assess(deployed, observed(change))).toEqual([problem]);
	});

	test("a host that does not answer hides nothing else, and makes nothing up", () => {
		const blind: Observed = { unreachable: [{ host: "manager", problem: "timed out" }], apps: {}, endpoint: "502" };
		expect(assess(deployed, blind)).toEqual(["manager cannot be asked: timed out", "http://was answers 502"]);
	});
});
