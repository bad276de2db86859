import { afterAll } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { round } from "../support/drift.ts";
import { RolloutLab } from "../support/rollout.ts";

const lab = new RolloutLab();
const config = "/etc/nginx/conf.d/swarm-scaleout-test-nginx.conf";
const exportsFile = "/etc/exports.d/swarm-scaleout-test-logs-192.168.2.137-mnt-main-was-logs.exports";
const logs = "/mnt/main-was-logs";

afterAll(closeConnections);

const volume = "$(docker volume ls -q --filter label=scaleout.owner=swarm-scaleout/test)";

round(lab, "changes by hand are named and mended:", [
	{
		what: "a node's label, and its volume with other options",
		host: "manager",
		change: "docker node update --label-rm scaleout.service worker1",
		named: /labels/,
		look: "docker node inspect -f '{{.Spec.Labels}}' worker1",
		mended: /scaleout\.service:babble-was/,
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
		what: "the owner and the mode of the logs' directory",
		host: "log",
		change: `chown games:games ${logs}; chmod 777 ${logs}`,
		named: /\/mnt\/main-was-logs\s*: "games:games 777 instead of \S+ 750"/,
		look: `stat -c '%U %a' ${logs}`,
		mended: /^(?!games)\S+ 750/,
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
