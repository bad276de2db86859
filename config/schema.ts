import { z } from "zod";
import type { Role } from "../lib/roles.ts";
import { aws } from "./sections/aws.ts";
import { existing, host, local } from "./sections/hosts.ts";
import { registry } from "./sections/image.ts";
import { logs } from "./sections/logs.ts";
import { nginx } from "./sections/nginx.ts";
import { services } from "./sections/service.ts";
import { swarm } from "./sections/swarm.ts";

/*
 * The stack configuration, field by field, with one file per section in `sections/`. Each description says meaning, unit and the effect of a change;
 * `npm run docs` generates docs/configuration.md from them.
 */

/** All keys of the stack's configuration, below the project's name. */
export const topologySchema = z.strictObject({
	source: z
		.enum(["local", "existing", "aws"])
		.describe("Where hosts come from: `local` QEMU machines, `existing` hosts, or `aws` EC2 instances. A change replaces everything."),
	hosts: z.array(host).min(1).describe("The inventory."),
	local: local.prefault({}).describe("For `source: local`."),
	existing: existing.prefault({}).describe("For `source: existing`."),
	aws: aws.prefault({}).describe("For `source: aws`."),
	swarm: swarm.prefault({}),
	logs: logs.prefault({}).describe("The NFS export that collects the logs."),
	registry: registry.prefault({}),
	services: services.describe("The replicated web services (WAS), by their names in the swarm. A new name makes a new service."),
	nginx: nginx.prefault({}).describe("The load balancer."),
});

/** The validated configuration, defaults filled in. */
export type Topology = z.output<typeof topologySchema>;
export type HostConfig = Topology["hosts"][number];

/** A service, with its name. */
export type ServiceConfig = Topology["services"][string] & { name: string };

/** The services, in the order of their names. */
export function servicesOf({ services }: Pick<Topology, "services">): ServiceConfig[] {
	const named = Object.entries(services).map(([name, service]) => ({ name, ...service }));
	return named.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function hostsWith({ hosts }: Pick<Topology, "hosts">, role: Role): HostConfig[] {
	return hosts.filter((host) => host.roles.includes(role));
}
