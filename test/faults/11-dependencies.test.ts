import { afterAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { labStack } from "../support/lab.ts";
import { apps, expectNoLoss } from "../support/rollout.ts";

const lab = inject("lab");
const stack = labStack();
const onLog = (script: string) => execAsRoot(lab.connections.log as Connection, script);
const onEachApp = (script: string) => Promise.all(apps.map((app) => execAsRoot(lab.connections[app] as Connection, script)));
const volumes = () => onEachApp("docker volume ls -q --filter label=scaleout.owner=swarm-scaleout/test");
/** Made by hand, and by another stack, under names like those of this one. */
const foreign = ["nfsvolume-by-hand", "nfsvolume-of-another"];

afterAll(closeConnections);

async function expectUp(): Promise<void> {
	const { code, output } = await stack.up();
	expect(code, output).toBe(0);
	expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
}

describe.skipIf(lab.noEngine)("what the service depends on", () => {
	test("NFS server down: up fails within the probe's deadline and says so; after the mend the new options roll out without loss, no old volume is left, and those of others are", async () => {
		const [before] = await volumes();
		await onEachApp(`docker volume create ${foreign[0]}; docker volume create --label scaleout.owner=swarm-scaleout/other ${foreign[1]}`);
		stack.config["swarm-scaleout:logs"] = { mountOptions: "nfsvers=4.2,hard,timeo=500,retrans=2,noatime" };
		await onLog("systemctl stop nfs-server");
		const failed = await stack.up();
		await onLog("systemctl start nfs-server");
		expect(failed.code).not.toBe(0);
		expect(failed.output).toMatch(/NFS export 192\.168\.1\.20:\/mnt\/main-was-logs cannot be used from [\d.]+: no answer on port 2049/);
		expect(failed.seconds).toBeLessThan(240);
		const load = new Load({ url: lab.endpoint, clients: 3, keepAlive: true, maxDelayMs: 500 });
		await expectUp().finally(() => load.stop());
		expectNoLoss(load);
		const after = await volumes();
		expect(new Set(after).size).toBe(1);
		expect(after[0]?.trim().split("\n")).toHaveLength(1);
		expect(after[0]).not.toBe(before);
		for (const mounted of await onEachApp("findmnt -n -t nfs4 -o OPTIONS")) expect(mounted).toContain("timeo=500");
		for (const left of await onEachApp(`docker volume rm ${foreign.join(" ")}`)) expect(left.trim().split("\n")).toEqual(foreign);
	});

	test("registry password refused: the push fails and says so; after the mend the new image rolls out", async () => {
		stack.buildWith({ WAS_VERSION: "rebuilt" });
		const files = "/etc/docker/registry/htpasswd";
		await onLog(
			`cp -p ${files} ${files}.kept; echo other | htpasswd -Bic ${files} pusher 2>/dev/null; systemctl restart docker-registry; sleep 3`,
		);
		const failed = await stack.up();
		await onLog(`mv ${files}.kept ${files}; systemctl restart docker-registry; sleep 3`);
		expect(failed.code).not.toBe(0);
		expect(failed.output).toMatch(/unauthorized|authentication required|no basic auth/i);
		expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
		await expectUp();
		const { version } = (await (await fetch(`${lab.endpoint}/hello`)).json()) as { version: string };
		expect(version).toBe("rebuilt");
	});
});
