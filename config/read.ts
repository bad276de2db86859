import { certificateReadFaults } from "./certificate.ts";
import { distinct, type Fault } from "./fault.ts";
import { readOperatorFile } from "./operatorFile.ts";
import { readRegistryCa, readRegistryPassword } from "./registry.ts";
import type { HostConfig, Topology } from "./schema.ts";
import { readSecret } from "./secrets.ts";

/*
 * What the configuration names on the machine that runs `pulumi`: environment variables, keys, certificates.
 */

/** Every fault of it. */
export function readFaults(topology: Topology): Fault[] {
	const { source, service, registry, nginx } = topology;
	const faults: Fault[] = [];
	for (const section of ["secrets", "secretEnv"] as const)
		for (const [name, value] of Object.entries(service[section])) readSecret(value, `service.${section}.${name}`, faults);
	readRegistryPassword(registry, faults);
	readRegistryCa(registry, faults);
	faults.push(...certificateReadFaults(nginx));
	if (source === "existing") for (const host of topology.hosts) readPrivateKey(host, topology, faults);
	return distinct(faults);
}

/** The private key that a host of yours is logged in to with. One that cannot be read is noted as a fault, and empty. */
export function readPrivateKey(host: HostConfig, { hosts, existing }: Topology, faults: Fault[]): string {
	const own = host.ssh?.privateKeyFile;
	const property = own ? `hosts[${hosts.indexOf(host)}].ssh.privateKeyFile` : "existing.privateKeyFile";
	const file = own ?? existing.privateKeyFile;
	// That there is none is a fault by the rules.
	return file ? readOperatorFile(file, property, "name a private key file of this machine", faults) : "";
}
