import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections } from "../../lib/ssh.ts";
import { signalMachine } from "../support/lab.ts";
import { siteFile } from "../support/labNginx.ts";
import { hostsKey, type LabHost } from "../support/managers.ts";
import { addresses, apps, newVersion, RolloutLab } from "../support/rollout.ts";
import { changesOf } from "../support/stack.ts";
import { Tunnel } from "../support/tunnel.ts";

/*
 * The service moves to another node, a node is lost for good while it is its turn, and a load balancer stands on an app node. Where NGINX is reloaded
 * the clients do not keep their connections: one that is kept may have to be reopened then.
 */

const lab = new RolloutLab();
const { noEngine, connections } = inject("lab");
const minutes = 60_000;
const original = lab.stack.config[hostsKey] as LabHost[];
// The last in the list: with it no other machine's place changes.
const worker3 = { name: "worker3", roles: ["worker", "app"], address: "192.168.3.6" };
const moved = [...original.map((host) => (host.name === "worker2" ? { ...host, roles: ["worker"] } : host)), worker3];
const { manager, worker1, worker2 } = addresses as Record<"manager" | "worker1" | "worker2", string>;

afterAll(closeConnections);

describe.skipIf(noEngine)("the role app", () => {
	const version = newVersion("moved");

	test("that moves to a new host serves there before it ceases to serve here: never a node less, and no request fails", async () => {
		lab.configure({ WAS_VERSION: version, SHUTDOWN: "immediate" });
		await lab.converge();
		lab.stack.config[hostsKey] = moved;
		expect(changesOf(await lab.stack.preview()).filter((change) => /^(replace|delete) (manager|worker\d)$/.test(change))).toEqual([]);
		const { watched } = await lab.underLoad(() => lab.converge(), { keepAlive: false, nodes: { ...addresses, worker3: worker3.address } });
		expect(watched.fewestOpen, "nodes that served at any time").toBe(3);
		await lab.expectVersion(version, ["manager", "worker1", "worker3"]);
		expect(await lab.upstream()).toEqual([manager, worker1, worker3.address]);
		await lab.expectUnchanged();
	});

	test("of a node that is lost for good in its turn goes back to one that is there: the next ups converge, the others go one after another", async () => {
		lab.stack.config[hostsKey] = moved;
		const next = newVersion("after-the-loss");
		const env = { WAS_VERSION: next, SHUTDOWN: "immediate" };
		lab.configure(env, { rollout: { order: ["worker3"] } });
		const { watched } = await lab.underLoad(
			async (watch) => {
				const tasks = "docker service ps babble-was --filter node=worker3 --filter desired-state=running -q --no-trunc";
				const old = (await lab.on("manager", tasks)).trim();
				const up = lab.stack.beginUp();
				await expect.poll(() => watch.closedNow(), { timeout: 5 * minutes, interval: 250 }).toEqual(["worker3"]);
				// Its requests have ended and stand in the log then; the new task does not serve yet.
				const state = () => lab.on("manager", `docker inspect --format '{{.Status.State}}' ${old}`);
				await expect.poll(state, { timeout: minutes, interval: 250 }).not.toBe("running\n");
				signalMachine("worker3", "SIGKILL");
				await sleep(20_000);
				await lab.kill(up);
				// Taken off the list, as docs/faults.md says of a host that is lost.
				lab.stack.config[hostsKey] = original;
				lab.configure(env);
				await lab.converge();
				await lab.expectUnchanged();
			},
			{ keepAlive: false, maxDelayMs: 500, nodes: { manager, worker1, worker3: worker3.address } },
		);
		expect(watched.closed).toEqual(["manager", "worker1", "worker3"]);
		await lab.expectVersion(next);
		expect(await lab.upstream()).toEqual([manager, worker1, worker2]);
		expect(await lab.nodes()).toEqual(apps.map((name) => `${name} Ready`));
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
	});
});

describe.skipIf(noEngine)("NGINX on an app node, beside the stack's own", () => {
	let tunnel: Tunnel;

	beforeAll(async () => {
		lab.stack.config[hostsKey] = original;
		const site = await lab.on("nginx", `cat ${siteFile}`);
		await lab.on(
			"worker1",
			`
export DEBIAN_FRONTEND=noninteractive
apt-get -q install -y --no-install-recommends nginx > /dev/null
rm -f /etc/nginx/sites-enabled/default
cat > ${siteFile} <<'END'
${site}
END
systemctl restart nginx`,
			900,
		);
		tunnel = await Tunnel.to(connections.worker1 as Connection, 80);
	});

	afterAll(async () => {
		tunnel.close();
		await lab.on("worker1", "DEBIAN_FRONTEND=noninteractive apt-get -q purge -y nginx nginx-common > /dev/null; rm -rf /etc/nginx", 900);
		lab.configure();
		await lab.converge();
	});

	test("is refused by its own node as by the others while that one is taken out: no request fails, and none is run twice", async () => {
		lab.configure({ WAS_VERSION: newVersion("local"), SHUTDOWN: "immediate" });
		await lab.converge();
		const next = newVersion("local");
		const { watched } = await lab.underLoad(
			async () => {
				lab.configure({ WAS_VERSION: next, SHUTDOWN: "immediate" });
				await lab.converge();
			},
			{ url: tunnel.url, clients: 6, maxDelayMs: 1500 },
		);
		expect(watched.closed).toEqual(apps);
		await lab.expectVersion(next);
		await lab.expectNothingDrained();
	});
});
