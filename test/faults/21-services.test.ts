import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { addresses, apps, expectNoLoss, expectOneAtATime, newVersion, RolloutLab } from "../support/rollout.ts";
import { statusOf } from "../support/status.ts";

/* A second service on nodes of the first one: it comes, is rolled out and goes, each time while both are asked for. */

const lab = new RolloutLab();
const { noEngine } = inject("lab");
const servicesKey = "swarm-scaleout:services";
const nginxKey = "swarm-scaleout:nginx";
const first = structuredClone(lab.stack.config[servicesKey]) as Record<string, ReturnType<typeof admin>>;
const nginx = structuredClone(lab.stack.config[nginxKey]) as object;
const was = structuredClone(lab.stack.service);
/** Nodes that run the second one. */
const both = { manager: addresses.manager as string, worker1: addresses.worker1 as string };
const host = "admin.example.org";

/** The second service: the same application, under a tag of its own. */
const admin = (version: string) => ({
	image: { ...was.image, tag: "admin" },
	replicas: 2,
	publish: { published: 8081 },
	env: { ...was.env, LOG_FILE: "/was-logs/admin-{{.Node.Hostname}}.log", WAS_VERSION: version, SHUTDOWN: "immediate" },
	secrets: { "spring.datasource.password": { fromEnvironment: "DATASOURCE_PASSWORD" } },
	health: was.health,
	rollout: { peerPort: 7948 },
});

/** The stack with both. A request goes to the second one by its site's name. */
function configureBoth(version: string): void {
	lab.stack.config[servicesKey] = { ...first, admin: admin(version) };
	const sites = [{ routes: { "/": "babble-was" } }, { serverName: host, routes: { "/": "admin" } }];
	lab.stack.config[nginxKey] = { ...nginx, sites };
}

/** Host and version of each node that answers for the second one. */
async function answers(): Promise<Record<string, string>> {
	const found: Record<string, string> = {};
	for (let i = 0; i < 12; i++) {
		const script = `curl -s -m 30 -H 'Host: ${host}' http://127.0.0.1/version`;
		const { host: node, version } = JSON.parse(await lab.on("nginx", script)) as { host: string; version: string };
		found[node] = version;
	}
	return found;
}

const tasksOf = (service: string) => lab.on("manager", `docker service ps -q --no-trunc --filter desired-state=running ${service} | sort`);

afterAll(closeConnections);

describe.skipIf(noEngine)("a second service", () => {
	const [old, next] = [newVersion("admin"), newVersion("admin")];

	test("comes to nodes of the first one, which is not touched and loses no request", async () => {
		configureBoth(old);
		const before = await tasksOf("babble-was");
		// NGINX is reloaded: a kept connection may have to be opened again.
		const { watched } = await lab.underLoad(() => lab.converge(), { keepAlive: false });
		expect(watched.closed).toEqual([]);
		expect(await tasksOf("babble-was")).toBe(before);
		expect(await answers()).toEqual({ manager: old, worker1: old });
		await lab.expectVersion(was.image.build?.args.WAS_VERSION ?? "");
		await lab.expectUnchanged();
		expect(statusOf(lab.stack).report).toMatchObject({ healthy: true, problems: [] });
	});

	test("is rolled out by turns of its own: the first one keeps its tasks and its nodes open, and neither loses a request", async () => {
		configureBoth(next);
		const before = await tasksOf("babble-was");
		const load = new Load({ url: lab.endpoint, host, clients: 2, keepAlive: true, maxDelayMs: 1000 });
		const watch = lab.watch(both, [8081]);
		const { watched: ofFirst } = await lab.underLoad(() => lab.converge());
		await load.stop();
		const watched = await watch.stop();
		expectNoLoss(load);
		expectOneAtATime(watched);
		await lab.expectOnce(load);
		process.stderr.write(
			`second service: 0 of ${load.samples.length} requests failed, 0 run twice; closed: ${watched.closed.join(", ")}\n`,
		);
		expect(watched.closed.toSorted()).toEqual(["manager", "worker1"]);
		expect(ofFirst.closed).toEqual([]);
		expect(await tasksOf("babble-was")).toBe(before);
		expect(await answers()).toEqual({ manager: next, worker1: next });
	});

	test("goes with all that was its own, and the first one loses no request", async () => {
		lab.stack.config[servicesKey] = first;
		lab.stack.config[nginxKey] = nginx;
		const before = await tasksOf("babble-was");
		const { watched } = await lab.underLoad(() => lab.converge(), { keepAlive: false });
		expect(watched.closed).toEqual([]);
		expect(await tasksOf("babble-was")).toBe(before);
		expect(
			await lab.on("manager", "docker service ls --format '{{.Name}}'; docker secret ls --format '{{.Name}}' | grep ^admin || true"),
		).toBe("babble-was\n");
		expect(await lab.on("manager", "docker node inspect self --format '{{json .Spec.Labels}}'")).not.toContain("admin");
		const left =
			"systemctl list-units --all --plain --no-legend 'scaleout-drain-admin*'; docker volume ls -q --filter label=scaleout.service=admin";
		for (const app of apps) expect(await lab.on(app, left), app).toBe("");
		await lab.expectNothingDrained();
		expect(statusOf(lab.stack).report).toMatchObject({ healthy: true, problems: [] });
	});
});
