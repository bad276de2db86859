import type * as pulumi from "@pulumi/pulumi";
import { programPath, stepProgram, unitFile } from "../host/agentProgram.ts";
import { type Host, type HostStepArgs, hostStep } from "./host.ts";

const program = "registry_login";

/** The program on a manager that renews the service's ECR token. See host/agents/registry_login.py. */
export function registryLogin(name: string, manager: Host, service: string, server: string, parent: pulumi.Resource): pulumi.Resource {
	return hostStep((host) => `${name}-registry-login-${host}`, manager, loginStep(service, server), { parent });
}

/** Installs the program with a timer of four hours: a token lasts twelve, so two failures in a row do no harm. */
export function loginStep(service: string, server: string): HostStepArgs {
	const unit = `scaleout-registry-login-${service}`;
	const serviceText = `[Unit]
Description=Fresh registry token for ${service}
After=docker.service

[Service]
Type=oneshot
# The helper would keep tokens in a file.
Environment=AWS_ECR_DISABLE_CACHE=true HOME=/root
ExecStart=/usr/bin/python3 ${programPath(unit, program)} --service ${service} --server ${server}
Restart=on-failure
RestartSec=300
`;
	const timerText = `[Unit]
Description=Fresh registry token for ${service}, every four hours

[Timer]
OnBootSec=5min
OnUnitActiveSec=4h

[Install]
WantedBy=timers.target
`;
	return {
		step: "registry/login",
		settings: { unit },
		packages: ["amazon-ecr-credential-helper", "python3"],
		program: stepProgram(unit, program),
		files: [
			{ path: unitFile(`${unit}.service`), content: serviceText },
			{ path: unitFile(`${unit}.timer`), content: timerText },
		],
		checks: [`unit ${unit}.timer`],
	};
}
