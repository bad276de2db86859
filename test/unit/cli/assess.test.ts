import { describe, expect, test } from "vitest";
import type { AppState, Serving } from "../../../cli/apps.ts";
import { assess, describeRollout } from "../../../cli/assess.ts";
import type { Deployed, DeployedService } from "../../../cli/deployed.ts";
import type { Observed, ObservedService } from "../../../cli/observe.ts";
import { describeServing } from "../../../cli/serving.ts";
import type { AgentReport } from "../../../lib/agentReport.ts";
import { connection } from "../fixtures.ts";

const image = `registry/was@sha256:${"d".repeat(64)}`;
const apps = ["manager", "worker1", "worker2"];
const addressOf: Record<string, string> = { manager: "192.168.2.137", worker1: "192.168.2.142", worker2: "192.168.3.5" };

const service: DeployedService = {
	name: "was",
	image,
	replicas: 3,
	published: 8080,
	mode: "host",
	health: { path: "/health", status: [200, 204], host: "localhost", timeoutSeconds: 6 },
	peerPort: 7947,
	volume: "nfs-1",
	nodes: apps.map((name) => ({ name, address: addressOf[name] as string })),
	isRouted: true,
};

const deployed: Deployed = {
	endpoints: ["http://was"],
	swarmId: "swarm",
	hosts: [
		...apps.map((name) => ({
			name,
			roles: [name === "manager" ? "manager" : "worker", "app"],
			address: addressOf[name] as string,
			nodeId: `id-of-${name}`,
			connection: connection(),
		})),
		{ name: "log", roles: ["log"], address: "192.168.1.20", connection: connection() },
	],
	services: [service],
	exportPath: "/mnt/logs",
};

/** A node's task answers, with that account of its agent. */
function serving(change: Partial<Serving> = {}, agent: Partial<AgentReport> = {}): Serving {
	return {
		answer: { status: 200 },
		agent: { state: "serving", reason: "its task is healthy", connections: 3, seconds: 500, unreachable: [], ...agent },
		containers: [{ health: "healthy", published: [8080] }],
		...change,
	};
}

/** All is well, but for the change. */
function observed(change: (healthy: Required<Observed>) => void = () => {}): Observed {
	const healthy: Required<Observed> = {
		unreachable: [],
		nodes: apps.map((name) => ({
			id: `id-of-${name}`,
			name,
			role: name === "manager" ? "manager" : "worker",
			state: "ready",
			availability: "active",
			manager: name === "manager" ? "leader" : "",
			docker: "20.10.24",
		})),
		services: {
			was: {
				image,
				update: "completed",
				message: "",
				updated: 3,
				tasks: apps.map((node) => ({ node, state: "running", image, error: "" })),
			},
		},
		apps: Object.fromEntries(apps.map((name) => [name, { was: { serving: serving(), volumes: ["nfs-1"] } }])),
		balancer: { isActive: true, version: "1.22.1", servers: apps.map((name) => `${addressOf[name]}:8080`), unconnected: [] },
		log: { isActive: true, exports: apps.map((name) => addressOf[name] as string), usedPercent: 10 },
		endpoints: { "http://was": "200" },
	};
	change(healthy);
	return healthy;
}

type Row = [what: string, change: (healthy: Required<Observed>) => void, problem: string];
const first = <T>(items: T[]) => items[0] as T;
const worker1 = (o: Observed, ...state: Parameters<typeof serving>) => {
	o.apps.worker1 = { was: { serving: serving(...state), volumes: ["nfs-1"] } };
};
const found = (o: Observed) => o.services?.was as ObservedService;
const refused = { answer: { problem: "connection refused" } };

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
		["a node nobody configured", (o) => { o.nodes.push({ ...first(o.nodes), id: "x1", name: "stranger" }); }, "node stranger (x1, ready) is none of this stack"],
		["an entry that a node of the same name has left behind", (o) => { o.nodes.push({ ...first(o.nodes), id: "x1", state: "down" }); }, "node manager (x1, down) is none of this stack"],
		["another node in a host's place", (o) => { o.nodes.splice(2, 1); }, "worker2 is not in the swarm"],
		["a service that is gone", (o) => { delete o.services.was; }, "service was is not there"],
		["a task that does not run", (o) => { found(o).tasks.pop(); }, "2 of 3 tasks of was run"],
		["a task with an error", (o) => { first(found(o).tasks).error = "no such image"; }, "task of was on manager is running: no such image"],
		["another image", (o) => { found(o).image = "other"; }, `the image of was is other instead of ${image}`],
		["a paused rollout", (o) => { found(o).update = "paused"; found(o).updated = 1; found(o).message = "task failed"; }, "was: the last rollout is paused, 1 of 3 nodes updated: task failed"],
		["a rollout under way", (o) => { found(o).update = "updating"; found(o).updated = 2; }, "was: a rollout is under way: 2 of 3 nodes updated"],
		["a rollout that is taken back", (o) => { found(o).update = "rollback_started"; found(o).updated = 1; }, "was: the new version failed and is taken back: 1 of 3 nodes have the old one"],
		["a node that is closed", (o) => worker1(o, refused, { state: "closed", reason: "its task drains", seconds: 12.3 }), "worker1 does not serve was: closed for 12 s: its task drains, 3 connections left"],
		["a node without a task", (o) => worker1(o, refused, { state: "away", reason: "its task has ended", seconds: 300 }), "worker1 does not serve was: without a task for 5 min: its task has ended"],
		["a healthy task without a published port", (o) => worker1(o, { ...refused, containers: [{ health: "healthy", published: [] }] }), "worker1 does not serve was: its task is healthy and has no published port: pulumi up --refresh replaces it"],
		["a node that refuses for another reason", (o) => worker1(o, refused), 'worker1 does not serve was: /health gives "connection refused" instead of 200 or 204'],
		["a node that is not seen to be down", (o) => worker1(o, { ...refused, containers: undefined }), 'worker1 does not serve was: /health gives "connection refused" instead of 200 or 204'],
		["a redirect", (o) => worker1(o, { answer: { status: 302 } }), "worker1 does not serve was: /health answers 302 instead of 200 or 204"],
		["an answer that takes too long, without an agent", (o) => worker1(o, { answer: { problem: "no answer within 6 s" }, agent: undefined }), 'worker1 does not serve was: /health gives "no answer within 6 s" instead of 200 or 204'],
		["an agent that does not answer", (o) => worker1(o, { agent: "connection refused" }), "the agent of was on worker1 does not answer: connection refused: see systemctl status scaleout-drain-was there"],
		["a gate that is gone", (o) => worker1(o, {}, { state: "closed", reason: "its task drains", connections: 0 }), "worker1 answers for was although its agent says: closed for 8 min: its task drains"],
		["agents that do not reach others", (o) => worker1(o, {}, { unreachable: ["manager", "worker2"] }), "the agent of was on worker1 cannot reach manager, worker2: TCP port 7947 must be open between app nodes"],
		["a firewall before a node", (o) => { o.balancer.unconnected = ["192.168.2.142:8080"]; }, "worker1 serves, and the host of NGINX cannot connect to 192.168.2.142:8080"],
		["a stale volume", (o) => { o.apps.worker1?.was?.volumes?.push("nfs-0"); }, "worker1 has old volumes of was: nfs-0"],
		["an NFS server that Docker waits for", (o) => { delete o.apps.worker1?.was?.volumes; }, "Docker on worker1 does not tell of its volumes: it is stopped, or waits for their NFS server"],
		["NGINX down", (o) => { o.balancer.isActive = false; }, "NGINX does not run"],
		["a server that is missing", (o) => { o.balancer.servers.pop(); }, "NGINX does not balance over 192.168.3.5:8080"],
		["a server too many", (o) => { o.balancer.servers.push("10.0.0.9:8080"); }, "NGINX balances over 10.0.0.9:8080, which is none of this stack"],
		["the NFS server down", (o) => { o.log.isActive = false; }, "the NFS server does not run"],
		["the export gone", (o) => { o.log.exports = []; }, "/mnt/logs is not exported"],
		["a full disk", (o) => { o.log.usedPercent = 97; }, "the disk of /mnt/logs is 97 % full"],
		["an endpoint that fails", (o) => { o.endpoints["http://was"] = "502"; }, "http://was answers 502"],
		["an endpoint that is not there", (o) => { o.endpoints["http://was"] = "connect ECONNREFUSED"; }, "http://was answers connect ECONNREFUSED"],
	])("%s", (_what, change, problem) => {
		expect(assess(deployed, observed(change))).toEqual([problem]);
	});

	test.each<[what: string, change: (healthy: Required<Observed>) => void]>([
		["an answer of another status in the list", (o) => worker1(o, { answer: { status: 204 } })],
		["a task that waits for its turn to stop: it serves", (o) => worker1(o, {}, { state: "waiting", reason: "worker2 is closed" })],
		["a node without an agent, where none is meant to be", (o) => worker1(o, { agent: undefined })],
		["a rollout that was taken back", (o) => Object.assign(found(o), { update: "rollback_completed" })],
		// By its ID it is the same node.
		["a host that has another hostname", (o) => Object.assign(first(o.nodes), { name: "ip-192-168-2-137" })],
	])("is not %s", (_what, change) => {
		expect(assess(deployed, observed(change))).toEqual([]);
	});

	test("an agent that is down is told once, not again by each of its peers", () => {
		const problems = assess(
			deployed,
			observed((o) => {
				worker1(o, {}, { unreachable: ["worker2"] });
				o.apps.worker2 = { was: { serving: serving({ agent: "connection refused" }), volumes: ["nfs-1"] } };
			}),
		);
		expect(problems).toEqual([
			"the agent of was on worker2 does not answer: connection refused: see systemctl status scaleout-drain-was there",
		]);
	});

	test("a closed node is told once, also where NGINX cannot connect to it", () => {
		const problems = assess(
			deployed,
			observed((o) => {
				worker1(o, refused, { state: "closed", reason: "its task drains", seconds: 1, connections: 1 });
				o.balancer.unconnected = ["192.168.2.142:8080"];
			}),
		);
		expect(problems).toEqual(["worker1 does not serve was: closed for 1 s: its task drains, 1 connection left"]);
	});

	test("a host that does not answer hides nothing else, and makes nothing up", () => {
		const blind: Observed = { unreachable: [{ host: "manager", problem: "timed out" }], apps: {}, endpoints: { "http://was": "502" } };
		expect(assess(deployed, blind)).toEqual(["manager cannot be asked: timed out", "http://was answers 502"]);
	});
});

describe("with two services", () => {
	const admin: DeployedService = { ...service, name: "admin", published: 8081, peerPort: 7948, volume: "nfs-2" };
	const both: Deployed = { ...deployed, services: [admin, service] };
	const healthy = (change: (o: Required<Observed>) => void = () => {}) =>
		observed((o) => {
			o.services.admin = { ...found(o), tasks: found(o).tasks.map((task) => ({ ...task })) };
			for (const on of Object.values(o.apps)) on.admin = { serving: serving({ containers: undefined }), volumes: ["nfs-2"] };
			o.balancer.servers.push(...apps.map((name) => `${addressOf[name]}:8081`));
			change(o);
		});

	test("all is well, also where no route leads to one of them", () => {
		expect(assess(both, healthy())).toEqual([]);
		const unrouted = healthy((o) => {
			o.balancer.servers = o.balancer.servers.filter((server) => server.endsWith(":8080"));
		});
		expect(assess({ ...deployed, services: [{ ...admin, isRouted: false }, service] }, unrouted)).toEqual([]);
	});

	test("what is wrong with one is told of that one", () => {
		const broken = healthy((o) => {
			delete o.services.admin;
			o.apps.worker1 = {
				was: o.apps.worker1?.was as AppState,
				admin: { serving: serving(refused, { state: "closed", reason: "its task drains" }), volumes: ["nfs-1"] },
			};
			o.balancer.servers = o.balancer.servers.filter((server) => server !== "192.168.3.5:8081");
		});
		expect(assess(both, broken)).toEqual([
			"service admin is not there",
			"worker1 does not serve admin: closed for 8 min: its task drains, 3 connections left",
			"worker1 has old volumes of admin: nfs-1",
			"NGINX does not balance over 192.168.3.5:8081",
		]);
	});
});

describe("the table says of a node", () => {
	test.each<[string, Serving, string]>([
		["that serves", serving(), "serves"],
		[
			"that waits",
			serving({}, { state: "waiting", reason: "worker2 is closed", seconds: 40 }),
			"serves; asked to stop, waits for its turn for 40 s: worker2 is closed",
		],
		[
			"that drains",
			serving(refused, { state: "closed", reason: "its task drains", seconds: 2 }),
			"does not serve, connection refused; closed for 2 s: its task drains, 3 connections left",
		],
		["whose agent is down", serving({ agent: "connection refused" }), "serves; the agent does not answer: connection refused"],
		["without an agent", serving({ agent: undefined }), "serves"],
	])("%s", (_what, state, words) => {
		expect(describeServing(service, state)).toBe(words);
	});
});

test("a rollout is told in words", () => {
	const words = (update: string) => describeRollout(3, { update, updated: 1, message: "stopped by hand" }).words;
	expect(["", "completed", "updating", "rollback_paused"].map(words)).toEqual([
		"no rollout yet",
		"the last rollout is complete",
		"a rollout is under way: 1 of 3 nodes updated",
		"the last rollout is rollback paused, 1 of 3 nodes updated: stopped by hand",
	]);
});
