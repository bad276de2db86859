import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../lib/connection.ts";
import { distinct, type Fault } from "../lib/fault.ts";
import type { Certificate } from "../lib/nginx.ts";
import { readCertificate } from "./certificate.ts";
import { readOperatorFile } from "./operatorFile.ts";
import { readRegistryCa, readRegistryPassword } from "./registry.ts";
import { type HostConfig, type ServiceConfig, servicesOf, type Topology } from "./schema.ts";
import { readSecret } from "./secrets.ts";
import type { SecretValue } from "./sections/values.ts";

/** A service's secrets by file name, and its secret environment variables by name. */
export type ServiceSecrets = Record<"secrets" | "secretEnv", Record<string, pulumi.Output<string>>>;

/** What the configuration names where `pulumi` runs: environment variables, keys, certificates. Secrets are marked, so that the engine encrypts them. */
export interface Named {
	/** Each service's secret values. */
	services: Record<string, ServiceSecrets>;
	registry: {
		password: pulumi.Output<string> | undefined;
		/** PEM. */
		ca: string | undefined;
	};
	/** The certificate for HTTPS; without it, plain HTTP. */
	certificate: Certificate | undefined;
	/** `source: existing` only: how to log in to each host, in the order of `hosts`. The private keys are not marked as secret: their user does that. */
	connections: Connection[];
}

/** Reads what the configuration names. @returns Also the faults, and lints: what is probably not intended. */
export function readNamed(topology: Topology): { named: Named; faults: Fault[]; lints: Fault[] } {
	const { source, hosts, registry, nginx } = topology;
	const [faults, lints]: [Fault[], Fault[]] = [[], []];
	const secretsOf = (service: ServiceConfig, section: keyof ServiceSecrets) => {
		const read = ([name, value]: [string, SecretValue]) =>
			[name, pulumi.secret(readSecret(value, `services.${service.name}.${section}.${name}`, faults))] as const;
		return Object.fromEntries(Object.entries(service[section]).map(read));
	};
	const services = servicesOf(topology).map(
		(service) => [service.name, { secrets: secretsOf(service, "secrets"), secretEnv: secretsOf(service, "secretEnv") }] as const,
	);
	const password = readRegistryPassword(registry, faults);
	const named = {
		services: Object.fromEntries(services),
		registry: { password: password === undefined ? undefined : pulumi.secret(password), ca: readRegistryCa(registry, faults) },
		certificate: readCertificate(nginx, faults, lints),
		connections: source === "existing" ? hosts.map((host) => connectionOf(host, topology, faults)) : [],
	};
	return { named, faults: distinct(faults), lints };
}

/** A host behind a bastion is reached through it. The bastion itself is behind none. */
function connectionOf(host: HostConfig, topology: Topology, faults: Fault[]): Connection {
	const bastion = topology.hosts.find(({ name }) => name === host.ssh?.bastion);
	return { ...loginOf(host, topology, faults), ...(bastion && { proxy: loginOf(bastion, topology, faults) }) };
}

function loginOf(host: HostConfig, topology: Topology, faults: Fault[]): Connection {
	// A missing `ssh` is a fault by the rules.
	const { host: address = host.address, port, user, hostKey } = host.ssh ?? { port: 22, user: "root", hostKey: "" };
	const privateKey = readPrivateKey(host, topology, faults);
	return { host: address, port, user, privateKey, hostKey: hostKey.split(" ").slice(0, 2).join(" ") };
}

/** The private key to log in to an existing host. If it cannot be read: empty, and a fault is added. */
function readPrivateKey(host: HostConfig, { hosts, existing }: Topology, faults: Fault[]): string {
	const own = host.ssh?.privateKeyFile;
	const property = own ? `hosts[${hosts.indexOf(host)}].ssh.privateKeyFile` : "existing.privateKeyFile";
	const file = own ?? existing.privateKeyFile;
	return file ? readOperatorFile(file, property, "name a private key file of this machine", faults) : "";
}
