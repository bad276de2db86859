import { afterAll } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { round } from "../support/drift.ts";
import { siteFile } from "../support/labNginx.ts";
import { RolloutLab } from "../support/rollout.ts";

const lab = new RolloutLab();
const exportsFile = "/etc/exports.d/swarm-scaleout-test-logs+192.168.2.137-mnt-main-was-logs.exports";
const logs = "/mnt/main-was-logs";

afterAll(closeConnections);

// What takes minutes to mend, and what is gone, is in test/faults.
round(lab, "changes by hand are named and mended:", [
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
		named: new RegExp(`${exportsFile.replace("+", "[+]")}\\s*: "root:root 644 sha256 \\w+ instead of root:root 644 sha256 \\w+"`),
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
		change: `sed -i s/least_conn/ip_hash/ ${siteFile}`,
		named: new RegExp(`${siteFile}\\s*: ".* instead of`),
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
]);
