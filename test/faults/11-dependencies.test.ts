import { afterAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "../support/lab.ts";

const lab = inject("lab");
const stack = labStack();
const onLog = (script: string) => execAsRoot(lab.connections.log as Connection, script);
const volumes = async () =>
	Promise.all(
		["manager", "worker1", "worker2"].map((app) =>
			execAsRoot(lab.connections[app] as Connection, "docker volume ls -q --filter name=nfsvolume"),
		),
	);

afterAll(closeConnections);

async function expectUp(): Promise<void> {
	const { code, output } = await stack.up();
	expect(code, output).toBe(0);
	expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
}

describe.skipIf(lab.noEngine)("what the service depends on", () => {
	test("NFS server down: up fails within the probe's deadline and says so; after the mend the new options roll out and no old volume is left", async () => {
		const [before] = await volumes();
		stack.config["swarm-scaleout:logs"] = { mountOptions: "nfsvers=4.2,hard,timeo=500,retrans=2,noatime" };
		await onLog("systemctl stop nfs-server");
		const failed = await stack.up();
		await onLog("systemctl start nfs-server");
		expect(failed.code).not.toBe(0);
		expect(failed.output).toMatch(/NFS export 192\.168\.1\.20:\/mnt\/main-was-logs cannot be used from \w+: no answer on port 2049/);
		expect(failed.seconds).toBeLessThan(240);
		await expectUp();
		const after = await volumes();
		expect(new Set(after).size).toBe(1);
		expect(after[0]?.trim().split("\n")).toHaveLength(1);
		expect(after[0]).not.toBe(before);
		const mounted = await execAsRoot(lab.connections.worker2 as Connection, "findmnt -n -t nfs4 -o OPTIONS");
		expect(mounted).toContain("timeo=500");
	});

	test("registry password refused: the push fails and says so; after the mend the new image rolls out", async () => {
		const image = stack.config["swarm-scaleout:image"] as { build: { args: Record<string, string> } };
		const args = { ...image.build.args, WAS_VERSION: "rebuilt" };
		stack.config["swarm-scaleout:image"] = { ...image, build: { ...image.build, args } };
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
