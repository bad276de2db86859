import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { afterAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labEnvironment, labStack } from "../support/lab.ts";
import { apps } from "../support/rollout.ts";
import { statusOf } from "../support/status.ts";

const lab = inject("lab");
const on = (name: string, script: string) => execAsRoot(lab.connections[name] as Connection, script);
const stack = labStack();

afterAll(closeConnections);

describe("the topology serves", () => {
	test("the endpoint is answered by all three nodes", async () => {
		const hosts = new Set<string>();
		for (let i = 0; i < 12; i++) hosts.add(((await (await fetch(`${lab.endpoint}/hello`)).json()) as { host: string }).host);
		expect([...hosts].sort()).toEqual(apps);
	});

	test("a request's log line lies in the log node's export, in the file of the node that served it", async () => {
		const id = `probe-${Date.now()}`;
		const { host } = (await (await fetch(`${lab.endpoint}/logged?id=${id}`)).json()) as { host: string };
		// The NFS client writes back within half a minute at the latest.
		await expect.poll(() => on("log", `cat /mnt/main-was-logs/${host}.log`), { timeout: 60_000, interval: 2000 }).toContain(id);
	});

	test("docker node ls shows three nodes, ready and active, one of them a manager", async () => {
		const nodes = (await on("manager", "docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'"))
			.trim()
			.split("\n")
			.sort();
		expect(nodes.map((line) => line.trim())).toEqual(["manager Ready Active Leader", "worker1 Ready Active", "worker2 Ready Active"]);
	});

	test("NGINX has the method and the three servers in effect", async () => {
		const config = await on("nginx", "nginx -T 2>/dev/null");
		expect(config).toMatch(/upstream app \{\s+least_conn;/);
		for (const address of ["192.168.2.137", "192.168.2.142", "192.168.3.5"]) expect(config).toContain(`server ${address}:8080`);
	});

	test("the service runs by digest, in host mode, on an NFS volume with the configured options", async () => {
		const spec = JSON.parse(await on("manager", "docker service inspect babble-was"))[0].Spec;
		expect(spec.TaskTemplate.ContainerSpec.Image).toMatch(/^192\.168\.1\.20:5000\/2021babble\/babble-was@sha256:[0-9a-f]{64}$/);
		expect(spec.EndpointSpec.Ports).toMatchObject([{ PublishMode: "host", TargetPort: 8080, PublishedPort: 8080 }]);
		const mounts = await Promise.all(apps.map((app) => on(app, "findmnt -n -t nfs4 -o SOURCE,OPTIONS")));
		for (const mounted of mounts) expect(mounted).toMatch(/:\/mnt\/main-was-logs .*vers=4\.2.*hard/);
	});

	test("the export reaches the app nodes only, squashed to one user", async () => {
		const exports = (await on("log", "exportfs -s")).trim().split("\n");
		expect(exports).toHaveLength(3);
		for (const line of exports) expect(line).toMatch(/^\/mnt\/main-was-logs\s+192\.168\.\d+\.\d+\(.*anonuid=10001.*all_squash/);
	});
});

describe.skipIf(lab.noEngine)("npm run status", () => {
	test("finds all well, and tells of each part", () => {
		const { code, report } = statusOf(stack);
		expect(report.problems).toEqual([]);
		const service = report.services?.["babble-was"];
		expect(report).toMatchObject({ healthy: true, unreachable: [], balancer: { isActive: true } });
		expect(service?.update).toEqual(expect.any(String));
		expect(report.nodes?.map(({ name, state, manager }) => [name, state, manager]).sort()).toEqual([
			["manager", "ready", "leader"],
			["worker1", "ready", ""],
			["worker2", "ready", ""],
		]);
		expect(service?.tasks.map(({ node, state }) => [node, state]).sort()).toEqual(apps.map((name) => [name, "running"]));
		expect(report.log?.exports).toHaveLength(3);
		expect(code).toBe(0);
	});
});

describe.skipIf(lab.noEngine)("the engine", () => {
	test("reports every resource unchanged at a second up, and contacts no host: it works while all machines are frozen", async () => {
		const pids = fs.readdirSync(".lab/test", { withFileTypes: true }).flatMap((entry) => {
			const file = `.lab/test/${entry.name}/pid`;
			return fs.existsSync(file) ? [fs.readFileSync(file, "utf8").trim()] : [];
		});
		expect(pids).toHaveLength(5);
		const signal = (name: string) => spawnSync("kill", [`-${name}`, ...pids]);
		signal("STOP");
		try {
			const { code, output } = await stack.up();
			expect(code, output).toBe(0);
			expect(output).toMatch(/Resources:\s+\d+ unchanged\s/);
		} finally {
			signal("CONT");
		}
		const state = () => on("manager", "sleep 15; docker node ls --format '{{.Status}}'; docker service ls --format '{{.Replicas}}'");
		await expect.poll(state, { timeout: 300_000, interval: 1000 }).toBe("Ready\nReady\nReady\n3/3\n");
		await expect.poll(async () => (await fetch(`${lab.endpoint}/hello`)).status, { timeout: 60_000, interval: 1000 }).toBe(200);
	});

	test("previews a changed method as one readable update of NGINX", async () => {
		const nginx = stack.config["swarm-scaleout:nginx"] as object;
		stack.config["swarm-scaleout:nginx"] = { ...nginx, method: "ip_hash" };
		try {
			const steps = (await stack.preview()).filter(({ op }) => op !== "same");
			expect(steps.map(({ op, urn }) => `${op} ${urn.split("::").slice(2).join(" ")}`)).toEqual([
				"update scaleout:index:LoadBalancer$command:remote:Command nginx",
			]);
			const { output } = await stack.previewText();
			expect(output).toMatch(/-\s+least_conn;/);
			expect(output).toMatch(/\+\s+ip_hash;/);
			for (const secret of Object.values(labEnvironment)) expect(output).not.toContain(secret);
		} finally {
			stack.config["swarm-scaleout:nginx"] = nginx;
		}
	});
});
