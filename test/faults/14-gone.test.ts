import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { round } from "../support/drift.ts";
import { signalMachine } from "../support/lab.ts";
import { siteFile } from "../support/labNginx.ts";
import { RolloutLab } from "../support/rollout.ts";
import { statusOf } from "../support/status.ts";

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const logs = "/mnt/main-was-logs";
const volume = "$(docker volume ls -q --filter label=scaleout.owner=swarm-scaleout/test)";

afterAll(closeConnections);

round(lab, "changes by hand to nodes and what they need are named and mended:", [
	{
		what: "a node's label, and its volume with other options",
		host: "manager",
		change: "docker node update --label-rm scaleout.service.babble-was worker1",
		named: /scaleout\.service/,
		look: "docker node inspect -f '{{.Spec.Labels}}' worker1",
		mended: /scaleout\.service\.babble-was:true/,
	},
	{
		what: "a node's role",
		host: "manager",
		change: "docker node promote worker2",
		named: /role\s*: "worker" => "manager"|role\s*: "manager"/,
		look: "docker node inspect -f '{{.Spec.Role}}' worker2",
		mended: /worker/,
	},
	{
		what: "the options of a volume",
		host: "worker1",
		change: `
for attempt in $(seq 60); do [ -z "$(docker ps -q --filter label=com.docker.swarm.service.name=babble-was)" ] && break; sleep 2; done
docker container prune -f > /dev/null
name=${volume}
docker volume rm $name > /dev/null
docker volume create --label scaleout.owner=swarm-scaleout/test -d local -o type=nfs -o device=:${logs} -o o=addr=192.168.1.20,soft $name`,
		named: /volume nfsvolume-\w+ of worker1 has .*soft/,
		look: `docker volume inspect -f '{{.Options.o}}' ${volume}`,
		mended: /hard/,
	},
	{
		what: "the drain agent, stopped and disabled",
		host: "worker2",
		change: "systemctl disable --now scaleout-drain-babble-was",
		named: /scaleout-drain-babble-was\.service\s*: "inactive and disabled instead of active and enabled"/,
		look: "systemctl is-active scaleout-drain-babble-was",
		mended: /^active/,
	},
	{
		what: "a package, removed",
		host: "worker2",
		change: "dpkg --force-depends --remove conntrack",
		named: /package conntrack\s*: "(absent|config-files|not-installed) instead of installed"/,
		look: "dpkg-query -W -f '${db:Status-Status}' conntrack",
		mended: /^installed/,
	},
]);

round(lab, "what is gone is named and recreated:", [
	{
		what: "the service, deleted",
		host: "manager",
		change: "docker service rm babble-was",
		named: /babble-was/,
		look: "docker service ls --format '{{.Name}}'",
		mended: /babble-was/,
	},
	{
		what: "a node that left the swarm",
		host: "worker1",
		change: "docker swarm leave",
		named: /worker1/,
		look: "docker info -f '{{.Swarm.LocalNodeState}}'",
		mended: /active/,
	},
	{
		what: "the configuration that NGINX has loaded, under a file that is as it should be",
		host: "nginx",
		change: `
cp -p ${siteFile} /tmp/kept
sed -i s/least_conn/ip_hash/ ${siteFile}
systemctl reload nginx
sleep 3
cp -p /tmp/kept ${siteFile}`,
		named: /what NGINX runs with\s*: "an earlier/,
		look: `echo $(($(ps -o etimes= --ppid $(cat /run/nginx.pid) | sort -n | head -n 1) - $(date +%s) + $(stat -c %Z ${siteFile})))`,
		mended: /^(-\d+|0|1)$/m,
	},
	{
		what: "a machine that died",
		host: "worker2",
		change: () => signalMachine("worker2", "SIGKILL"),
		named: /state\s*: "running" => "stopped"|stopped/,
		look: "uptime -s",
		mended: /\d/,
	},
]);

describe.skipIf(noEngine)("a host that cannot be asked", () => {
	test("because its key was revoked is an error that names the property, and nothing is taken for gone", async () => {
		lab.configure();
		await lab.converge();
		await lab.on(
			"nginx",
			"mv /root/.ssh/authorized_keys /root/.ssh/kept; systemd-run -q --on-active=90 --timer-property=AccuracySec=1s mv /root/.ssh/kept /root/.ssh/authorized_keys",
		);
		await closeConnections();
		const { code, output } = await lab.stack.previewText("--refresh");
		expect(code).not.toBe(0);
		expect(output).toMatch(/hosts\[\d\]\.ssh\.privateKeyFile: .* refused user "root"/);
		await expect.poll(() => lab.on("nginx", "echo back").catch(() => ""), { timeout: 150_000, interval: 5000 }).toBe("back\n");
		await lab.expectUnchanged("--refresh");
	});
});

describe.skipIf(noEngine)("npm run status", () => {
	test("names what is wrong, with another exit code, and that a stack is not there", async () => {
		await lab.on("nginx", "systemctl stop nginx");
		try {
			const { code, report } = statusOf(lab.stack);
			expect(report.problems).toContain("NGINX does not run");
			expect(code).toBe(1);
		} finally {
			await lab.on("nginx", "systemctl start nginx");
		}
		expect(() => statusOf({ env: lab.stack.env, name: "no-such-stack" })).toThrow(/no-such-stack/);
	});
});
