import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { signalMachine } from "../support/lab.ts";
import { RolloutLab } from "../support/rollout.ts";

/*
 * What someone changes by hand is named by `preview --refresh` and mended by `up --refresh`; a second one has nothing to do. The changes of a
 * round are made at the same time and mended by one `up`, because each `up` takes minutes here.
 */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const config = "/etc/nginx/conf.d/swarm-scaleout-test-nginx.conf";
const exportsFile = "/etc/exports.d/swarm-scaleout-test-logs-192.168.2.137-mnt-main-was-logs.exports";
const logs = "/mnt/main-was-logs";

afterAll(closeConnections);

interface Change {
	what: string;
	host: string;
	/** Makes the change: bash on the host, or something done here. */
	change: string | (() => unknown);
	/** What the preview must say. */
	named: RegExp;
	/** Bash on the host that prints what `mended` matches when all is well again. */
	look: string;
	mended: RegExp;
}

function round(title: string, changes: Change[]): void {
	describe.skipIf(noEngine)(title, () => {
		let preview = "";
		let second = "";
		beforeAll(async () => {
			lab.configure();
			await lab.converge();
			for (const { host, change } of changes) await (typeof change === "string" ? lab.on(host, change) : change());
			preview = (await lab.stack.previewText("--refresh")).output;
			await lab.converge("--refresh");
			second = (await lab.stack.up("--refresh")).output;
		});
		test.each(changes)("$what", async ({ host, named, look, mended }) => {
			expect(preview).toMatch(named);
			expect(await lab.on(host, look)).toMatch(mended);
		});
		test("a second refresh finds nothing, and the service answers on all nodes", async () => {
			expect(second).toMatch(/Resources:\s+\d+ unchanged\s/);
			await lab.expectVersion("1");
			await lab.expectNothingDrained();
		});
	});
}

const volume = "$(docker volume ls -q --filter label=scaleout.owner=swarm-scaleout/test)";

round("changes by hand are named and mended:", [
	{
		what: "a node's label, and its volume with other options",
		host: "manager",
		change: "docker node update --label-rm scaleout.service worker1",
		named: /labels/,
		look: "docker node inspect -f '{{.Spec.Labels}}' worker1",
		mended: /scaleout\.service:babble-was/,
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
		what: "a node's availability",
		host: "manager",
		change: "docker node update --availability pause worker2",
		named: /availability\s*: "active" => "pause"|pause/,
		look: "docker node inspect -f '{{.Spec.Availability}}' worker2",
		mended: /active/,
	},
	{
		what: "the exports file",
		host: "log",
		change: `echo '# by hand' >> ${exportsFile}`,
		named: new RegExp(`${exportsFile}\\s*: "root:root 644 sha256 \\w+ instead of root:root 644 sha256 \\w+"`),
		look: `cat ${exportsFile}`,
		mended: /^(?!.*by hand)/s,
	},
	{
		what: "the exports that are in effect",
		host: "log",
		change: `exportfs -o ro,insecure 192.168.99.0/24:${logs}`,
		named: /live export of \/mnt\/main-was-logs to 192\.168\.99\.0\/24\s*: ".* instead of absent"/,
		look: "exportfs -s",
		mended: /^(?!.*192\.168\.99)/s,
	},
	{
		what: "the mode of the logs' directory",
		host: "log",
		change: `chmod 777 ${logs}`,
		named: /\/mnt\/main-was-logs\s*: "\S+ 777 instead of \S+ 750"/,
		look: `stat -c %a ${logs}`,
		mended: /750/,
	},
	{
		what: "the file of NGINX",
		host: "nginx",
		change: `sed -i s/least_conn/ip_hash/ ${config}`,
		named: new RegExp(`${config}\\s*: ".* instead of`),
		look: "nginx -T 2>/dev/null",
		mended: /least_conn/,
	},
	{
		what: "NGINX, stopped",
		host: "nginx",
		change: "systemctl stop nginx",
		named: /nginx\s*: "inactive and enabled instead of active and enabled"/,
		look: "systemctl is-active nginx",
		mended: /^active/,
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

round("what is gone is named and made anew:", [
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
cp -p ${config} /tmp/kept
sed -i s/least_conn/ip_hash/ ${config}
systemctl reload nginx
sleep 3
cp -p /tmp/kept ${config}`,
		named: /what NGINX runs with\s*: "an earlier/,
		look: `echo $(($(ps -o etimes= --ppid $(cat /run/nginx.pid) | sort -n | head -n 1) - $(date +%s) + $(stat -c %Z ${config})))`,
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
