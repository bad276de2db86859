import { ConfigError } from "./fault.ts";
import { awsFaults } from "./rules/aws.ts";
import { hostFaults } from "./rules/hosts.ts";
import { nginxFaults } from "./rules/nginx.ts";
import { serviceFaults } from "./rules/service.ts";
import { shapeFaults } from "./rules/shape.ts";
import { sourceFaults } from "./rules/source.ts";
import { type Topology, topologySchema } from "./schema.ts";

/** Validates raw configuration. @throws ConfigError with every fault. */
export function parseTopology(raw: Record<string, unknown>): Topology {
	const parsed = topologySchema.safeParse(raw);
	if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => shapeFaults(issue, raw)));
	const faults = [
		...hostFaults(parsed.data),
		...sourceFaults(parsed.data),
		...awsFaults(parsed.data),
		...serviceFaults(parsed.data),
		...nginxFaults(parsed.data),
	];
	if (faults.length > 0) throw new ConfigError(faults);
	return parsed.data;
}
