import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { scriptText } from "../../host/kit.ts";
import { drainUnit } from "../../lib/agentNames.ts";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections } from "../../lib/ssh.ts";
import { until } from "../../lib/wait.ts";
import { Load } from "../bench/load.ts";
import { apps, expectNoLoss, RolloutLab } from "../support/rollout.ts";
import { type ServiceSection, TestStack } from "../support/stack.ts";

/*
 * What was made by hand on the lab's machines, with the source system's commands, is taken over by a stack of `existing` hosts. It takes away what
 * the lab's own stack made, and puts it back at the end.
 */

const { connections, endpoint, noEngine } = inject("lab");
const lab = new RolloutLab();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-adopted-"));
const logs = "/mnt/main-was-logs";
const byHand = "/etc/nginx/conf.d/was.conf";
const env = { PROFILES_ACTIVE: "lab", LOG_FILE: "/was-logs/{{.Node.Hostname}}.log", SHUTDOWN: "immediate" };

const placed: [name: string, roles: string[], address: string][] = [
	["manager", ["manager", "app"], "192.168.2.137"],
	["worker1", ["worker", "app"], "192.168.2.142"],
	["worker2", ["worker", "app"], "192.168.3.5"],
	["log", ["log"], "192.168.1.20"],
	["nginx", ["balancer"], "192.168.1.10"],
];

/** What the lab's stack made, but for packages. */
async function takeAway(): Promise<void> {
	// As the stack removes its service: no task waits for another node to serve again, and the agents are there until the last one has stopped.
	await Promise.all(apps.map((app) => lab.on(app, scriptText("drain/ending", { unit: drainUnit("babble-was") }))));
	await lab.on("manager", "docker service rm babble-was");
	const leave = (app: string) =>
		lab.on(
			app,
			`
for attempt in $(seq 45); do [ -z "$(docker ps -q)" ] && break; sleep 2; done
systemctl disable --now ${drainUnit("babble-was")}
for chain in FORWARD OUTPUT; do iptables -w -D $chain -j SCALEOUT-DRAIN-8080 || true; done
iptables -w -F SCALEOUT-DRAIN-8080 && iptables -w -X SCALEOUT-DRAIN-8080 || true
docker swarm leave --force || { sleep 5; [ "$(docker info -f '{{.Swarm.LocalNodeState}}')" = inactive ] || docker swarm leave --force; }
docker container prune -f
docker volume ls -q | xargs -r docker volume rm`,
			240,
		);
	await Promise.all(apps.map(leave));
	await lab.on("log", `rm -f /etc/exports.d/*; sed -i '\\|${logs}|d' /etc/exports; exportfs -ra; rm -f ${logs}/*.log`);
	await lab.on("nginx", "rm -f /etc/nginx/conf.d/*.conf; systemctl reload nginx");
}

/** The source system, by its own commands. */
async function makeByHand(image: string): Promise<void> {
	await lab.on(
		"log",
		`chown nobody:nogroup ${logs}; chmod 777 ${logs}; echo '${logs} 192.168.0.0/16(rw,sync,no_subtree_check)' >> /etc/exports; exportfs -ra`,
	);
	await lab.on("manager", "docker swarm init --advertise-addr 192.168.2.137");
	const token = (await lab.on("manager", "docker swarm join-token -q worker")).trim();
	await Promise.all(["worker1", "worker2"].map((worker) => lab.on(worker, `docker swarm join --token ${token} 192.168.2.137:2377`)));
	const mount = `type=volume,source=nfsvolume,target=/was-logs,volume-driver=local,volume-opt=type=nfs,volume-opt=device=:${logs},"volume-opt=o=addr=192.168.1.20,nfsvers=4.2,hard"`;
	const variables = Object.entries(env).map(([name, value]) => `-e '${name}=${value}'`);
	await lab.on(
		"manager",
		`docker service create -d --name babble-was --replicas 3 --publish mode=host,target=8080,published=8080 --mount '${mount}' ${variables.join(" ")} --no-resolve-image ${image}`,
	);
	const servers = apps.map((app) => `  server ${placed.find(([name]) => name === app)?.[2]}:8080;`);
	const site = `upstream app {\n  least_conn;\n${servers.join("\n")}\n}\nserver {\n  listen 80 default_server;\n  location / {\n    proxy_pass http://app;\n  }\n}\n`;
	await lab.on("nginx", `cat > ${byHand} <<'EOF'\n${site}EOF\nsystemctl reload nginx`);
	await until({ what: "the service made by hand", deadlineSeconds: 300, progress: console.info }, async () => {
		const answering = new Set(await Promise.all(Array.from({ length: 12 }, hostThatAnswers)));
		const isComplete = answering.size === apps.length && !answering.has("none");
		return isComplete ? { done: undefined } : { waiting: `answers come from ${[...answering].join(", ")}` };
	});
}

async function hostThatAnswers(): Promise<string> {
	const answer = await fetch(`${endpoint}/version`, { headers: { connection: "close" } }).catch(() => undefined);
	return answer?.status === 200 ? ((await answer.json()) as { host: string }).host : "none";
}

describe.skipIf(noEngine)("what was made by hand", () => {
	let stack: TestStack;
	let ids: { swarm: string; service: string };
	let service: ServiceSection;
	let tasks: string;
	const clients = 3;
	/** Without keep-alive, as NGINX's own reload ends kept connections. */
	const load = () => new Load({ url: endpoint, clients, keepAlive: false, maxDelayMs: 300 });

	beforeAll(async () => {
		const image = (await lab.on("manager", "docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' babble-was")).trim();
		const [, digest] = image.split("@") as [string, string];
		await takeAway();
		await makeByHand(image);
		ids = {
			swarm: (await lab.on("manager", "docker info -f '{{.Swarm.Cluster.ID}}'")).trim(),
			service: (await lab.on("manager", "docker service inspect -f '{{.ID}}' babble-was")).trim(),
		};
		tasks = await lab.tasks();
		const keyFile = path.join(scratch, "key");
		fs.writeFileSync(keyFile, (connections.manager as Connection).privateKey, { mode: 0o600 });
		const hosts = placed.map(([name, roles, address]) => {
			const { host, port, hostKey } = connections[name] as Connection;
			return { name, roles, address, ssh: { host, port, hostKey } };
		});
		service = {
			image: { name: "2021babble/babble-was", pin: digest },
			replicas: 3,
			publish: { mode: "host", target: 8080, published: 8080 },
			env,
			health: { path: "/health", intervalSeconds: 15, timeoutSeconds: 30, retries: 10 },
			mount: { type: "volume", target: "/was-logs", name: "nfsvolume" },
			adopt: ids.service,
		};
		stack = new TestStack("adopted", path.join(scratch, "stack"), {
			"swarm-scaleout:source": "existing",
			"swarm-scaleout:hosts": hosts,
			"swarm-scaleout:existing": { privateKeyFile: keyFile },
			"swarm-scaleout:swarm": { adopt: ids.swarm },
			"swarm-scaleout:logs": { path: logs, access: "network", clients: ["192.168.0.0/16"] },
			"swarm-scaleout:registry": { server: "192.168.1.20:5000" },
			"swarm-scaleout:services": { "babble-was": service },
			// A connection that is kept may be in use when a task ends at once.
			"swarm-scaleout:nginx": { method: "least_conn", upstreams: { "babble-was": "app" }, listen: 80, keepalive: 0 },
		});
		await stack.init();
	});

	afterAll(async () => {
		const { code, output } = await stack.destroy();
		await lab.on("nginx", `rm -f ${byHand}`);
		await lab.on("log", `sed -i '\\|${logs}|d' /etc/exports; exportfs -ra; rm -f ${logs}/*.log`);
		lab.configure();
		await lab.converge("--refresh");
		fs.rmSync(scratch, { recursive: true, force: true });
		await closeConnections();
		expect(code, output).toBe(0);
	});

	/** An `up` that is refused, and takes nothing from what runs. */
	async function refused(): Promise<string> {
		const { code, output } = await stack.up();
		expect(code).not.toBe(0);
		expect(await lab.tasks()).toBe(tasks);
		expect(await hostThatAnswers()).not.toBe("none");
		return output;
	}

	// One at a time: the engine ends the program at the first failure, and what it had not come to is not heard of.
	test("is refused where the export is not said to be taken over", async () => {
		expect(await refused()).toMatch(/logs\.path = "\/mnt\/main-was-logs": \/etc\/exports exports it already: set logs\.adopt to true/);
	});

	test("is refused where the service differs, by what differs", async () => {
		Object.assign(stack.config["swarm-scaleout:logs"] as object, { adopt: true });
		stack.service = { ...service, env: { ...env, LOG_FILE: "/was-logs/one.log", MORE: "1" } };
		const output = await refused();
		expect(output).toMatch(/services\.babble-was\.env\.LOG_FILE has another value there/);
		expect(output).toMatch(/services\.babble-was\.env\.MORE is not set there/);
	});

	test("is refused where NGINX has the upstream already, by the file that has it", async () => {
		stack.service = service;
		expect(await refused()).toMatch(
			/duplicate upstream "app"[\s\S]*nginx\.adopt takes over what it names:\s+\/etc\/nginx\/conf\.d\/was\.conf/,
		);
	});

	test("is taken over as it runs: no new task, no request lost; after that nothing is left to do", async () => {
		Object.assign(stack.config["swarm-scaleout:nginx"] as object, { adopt: [byHand] });
		const traffic = load();
		const { code, output } = await stack.up();
		await traffic.stop();
		expect(code, output).toBe(0);
		expectNoLoss(traffic);
		expect(await lab.tasks()).toBe(tasks);
		expect(await lab.on("nginx", "nginx -T 2> /dev/null")).not.toContain(byHand);
		expect(await lab.on("log", "exportfs -s")).toMatch(/192\.168\.0\.0\/16/);
		const again = await stack.up("--refresh");
		expect(again.output).toMatch(/Resources:\s+\d+ unchanged\s/);
		expect(await lab.tasks()).toBe(tasks);
	});

	test("rolls from then on: the first time, when its tasks still end at once, at most what is in flight at that moment is cut; then nothing", async () => {
		const to = async (version: string, most: number) => {
			stack.service = { ...service, env: { ...env, WAS_VERSION: version } };
			const traffic = load();
			const { code, output } = await stack.up();
			await traffic.stop();
			expect(code, output).toBe(0);
			const lost = traffic.samples.filter(({ status }) => status !== 200);
			process.stderr.write(`${version} rollout: ${lost.length} of ${traffic.samples.length} requests failed\n`);
			if (most === 0) expectNoLoss(traffic);
			expect(lost.length, JSON.stringify(lost)).toBeLessThanOrEqual(most);
			await lab.expectVersion(version);
		};
		await to("first", apps.length * clients);
		delete (stack.config["swarm-scaleout:nginx"] as { keepalive?: number }).keepalive;
		await to("second", 0);
		const { output } = await stack.up("--refresh");
		expect(output).toMatch(/Resources:\s+\d+ unchanged\s/);
	});
});
