import { z } from "zod";
import type { Role } from "../lib/roles.ts";
import { aws } from "./sections/aws.ts";
import { existing, host, local } from "./sections/hosts.ts";
import { image, registry } from "./sections/image.ts";
import { logs } from "./sections/logs.ts";
import { nginx } from "./sections/nginx.ts";
import { service } from "./sections/service.ts";
import { swarm } from "./sections/swarm.ts";

/*
 * The stack configuration, field by field; a file a section in `sections/`. Each description says meaning, unit and what a change does;
 * `npm run docs` writes docs/configuration.md from them.
 */

/** All keys of the stack's configuration, below the project's name. */
export const topologySchema = z.strictObject({
	source: z
		.enum(["local", "existing", "aws"])
		.describe("Where hosts come from: `local` QEMU machines, `existing` hosts, or `aws` EC2 instances. A change replaces all."),
	hosts: z.array(host).min(1).describe("The inventory."),
	local: local.prefault({}).describe("For `source: local`."),
	existing: existing.prefault({}).describe("For `source: existing`."),
	aws: aws.prefault({}).describe("For `source: aws`."),
	swarm: swarm.prefault({}),
	logs: logs.prefault({}).describe("The NFS export that collects the logs."),
	registry: registry.prefault({}),
	image: image.prefault({}),
	service: service.prefault({}).describe("The replicated web service (WAS)."),
	nginx: nginx.prefault({}).describe("The load balancer."),
});

/** The validated configuration, defaults filled in. */
export type Topology = z.output<typeof topologySchema>;
export type HostConfig = Topology["hosts"][number];

export function hostsWith({ hosts }: Pick<Topology, "hosts">, role: Role): HostConfig[] {
	return hosts.filter((host) => host.roles.includes(role));
}
