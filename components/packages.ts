import type * as pulumi from "@pulumi/pulumi";
import type { Role, Topology } from "../config/schema.ts";
import { shellQuote } from "../lib/connection.ts";
import { lookAtPackages } from "../lib/hostRecord.ts";
import { type Host, remoteStep } from "./host.ts";

/** Debian and Ubuntu packages by role. */
const packages: Record<Role, string[]> = {
	manager: ["docker.io"],
	worker: ["docker.io"],
	app: ["docker.io", "nfs-common", "curl", "busybox-static", "conntrack", "iptables", "python3"],
	log: ["nfs-kernel-server"],
	nginx: ["nginx"],
	registry: ["docker-registry", "apache2-utils", "openssl", "curl"],
};

/** What the packages' services shall do right after the installation. */
const units: Partial<Record<Role, string>> = { manager: "docker", worker: "docker" };

/** Installs what a host's roles need. What is installed already is left as it is. */
export function installPackages(host: Host, { nginx }: Topology, parent: pulumi.Resource): pulumi.Resource {
	const needed = (role: Role) => [...packages[role], ...(role === "nginx" && nginx.tls?.acme ? ["certbot", "openssl"] : [])];
	const wanted = [...new Set(host.roles.flatMap(needed))].sort();
	const enabled = [...new Set(host.roles.flatMap((role) => units[role] ?? []))];
	// The docker CLI, which @pulumi/docker works like, talks to the daemon as the one who logs in. Who may run `sudo -n` is root already.
	const letIn = host.roles.includes("manager") && host.user !== "root" ? `\nusermod -aG docker ${shellQuote(host.user)}` : "";
	const looks = [lookAtPackages(wanted), ...enabled.map((unit) => `unit ${unit}`)];
	return remoteStep(`${host.name}-packages`, host, { script: installScript(wanted, enabled) + letIn, looks }, { parent });
}

export function installScript(wanted: string[], enabled: string[]): string {
	return `
export DEBIAN_FRONTEND=noninteractive
missing=()
for package in ${wanted.join(" ")}; do
  dpkg-query -W -f '\${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
fetch_missing() { apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends "\${missing[@]}"; }
if [ \${#missing[@]} -gt 0 ]; then
  # The package lists may be missing or old: fetch them only when the installation fails without.
  fetch_missing >&2 || { apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update >&2; fetch_missing >&2; }
fi
${enabled.map((unit) => `systemctl is-enabled -q ${unit} || systemctl enable ${unit} >&2\nsystemctl start ${unit}`).join("\n")}
`.trim();
}
