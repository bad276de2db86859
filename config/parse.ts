import { ConfigError, type Fault } from "./fault.ts";
import { awsFaults } from "./rules/aws.ts";
import { faultsBeside } from "./rules/beside.ts";
import { hostFaults } from "./rules/hosts.ts";
import { imageFaults } from "./rules/image.ts";
import { nginxFaults } from "./rules/nginx.ts";
import { portFaults } from "./rules/ports.ts";
import { serviceFaults } from "./rules/service.ts";
import { shapeFaults } from "./rules/shape.ts";
import { sourceFaults } from "./rules/source.ts";
import { tlsFaults } from "./rules/tls.ts";
import { type Topology, topologySchema } from "./schema.ts";

/** Validates raw configuration. @throws ConfigError with every fault. */
export function parseTopology(raw: Record<string, unknown>): Topology {
	const parsed = topologySchema.safeParse(raw);
	if (!parsed.success) {
		const shape = parsed.error.issues.flatMap((issue) => shapeFaults(issue, raw));
		throw new ConfigError([...shape, ...faultsBeside(raw, ruleFaults)]);
	}
	const faults = ruleFaults(parsed.data);
	if (faults.length > 0) throw new ConfigError(faults);
	return parsed.data;
}

const rules = [hostFaults, imageFaults, sourceFaults, awsFaults, serviceFaults, portFaults, nginxFaults, tlsFaults];
const ruleFaults = (topology: Topology): Fault[] => rules.flatMap((rule) => rule(topology));
