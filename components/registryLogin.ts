import type * as pulumi from "@pulumi/pulumi";
import { installProgram, lookAtProgram, programPath, programText, removeProgram } from "../lib/agentProgram.ts";
import { type Host, remoteStep } from "./host.ts";
import { installScript } from "./packages.ts";

const program = "registry_login";

/** What keeps the service's ECR token fresh, on a manager. See agent/registry_login.py. */
export function registryLogin(manager: Host, service: string, server: string, parent: pulumi.Resource): pulumi.Resource {
	const script = `${installScript(["amazon-ecr-credential-helper", "python3"], [])}\n${loginScript(service, server)}`;
	const looks = lookAtProgram(unitOf(service), program, `${unitOf(service)}.timer`);
	const args = { script, stdin: programText(program), looks, deleteScript: removeScript(service) };
	return remoteStep(`${manager.name}-${service}-registry-login`, manager, args, { parent });
}

const unitOf = (service: string) => `scaleout-registry-login-${service}`;

/** Installs the program from standard input with a timer of four hours: a token lives twelve, so two failures in a row do no harm. */
export function loginScript(service: string, server: string): string {
	const unit = unitOf(service);
	return `
${installProgram(unit)}
cat > /etc/systemd/system/${unit}.service <<'END'
[Unit]
Description=Fresh registry token for ${service}
After=docker.service

[Service]
Type=oneshot
# The helper would keep tokens in a file.
Environment=AWS_ECR_DISABLE_CACHE=true HOME=/root
ExecStart=/usr/bin/python3 ${programPath(unit, program)} --service ${service} --server ${server}
Restart=on-failure
RestartSec=300
END
cat > /etc/systemd/system/${unit}.timer <<'END'
[Unit]
Description=Fresh registry token for ${service}, every four hours

[Timer]
OnBootSec=5min
OnUnitActiveSec=4h

[Install]
WantedBy=timers.target
END
chmod 644 /etc/systemd/system/${unit}.service /etc/systemd/system/${unit}.timer
systemctl daemon-reload
systemctl enable ${unit}.timer >&2
systemctl restart ${unit}.timer
`.trim();
}

export function removeScript(service: string): string {
	const unit = unitOf(service);
	return `systemctl disable --now ${unit}.timer ${unit}.service || true; rm -f /etc/systemd/system/${unit}.service /etc/systemd/system/${unit}.timer; ${removeProgram(unit)}; systemctl daemon-reload`;
}
