import { ConfigError, type Fault } from "../lib/fault.ts";
import { awsFaults } from "./rules/aws.ts";
import { faultsBeside } from "./rules/beside.ts";
import { hostFaults } from "./rules/hosts.ts";
import { imageFaults } from "./rules/image.ts";
import { nginxFaults } from "./rules/nginx.ts";
import { portFaults } from "./rules/ports.ts";
import { serviceFaults } from "./rules/service.ts";
import { shapeFaults } from "./rules/shape.ts";
import { siteFaults } from "./rules/sites.ts";
import { sourceFaults } from "./rules/source.ts";
import { tlsFaults } from "./rules/tls.ts";
import { type Topology, topologySchema } from "./schema.ts";

type Rule = (topology: Topology) => Fault[];

/** Validates raw configuration, also by further rules. @throws ConfigError with every fault. */
export function parseTopology(raw: Record<string, unknown>, further: Rule[] = []): Topology {
	const ruleFaults: Rule = (topology) => [...rules, ...further].flatMap((rule) => rule(topology));
	const parsed = topologySchema.safeParse(raw);
	if (!parsed.success) {
		const shape = parsed.error.issues.flatMap((issue) => shapeFaults(issue, raw));
		throw new ConfigError([...shape, ...faultsBeside(raw, ruleFaults)]);
	}
	const faults = ruleFaults(parsed.data);
	if (faults.length > 0) throw new ConfigError(faults);
	return parsed.data;
}

const rules: Rule[] = [hostFaults, imageFaults, sourceFaults, awsFaults, serviceFaults, portFaults, nginxFaults, siteFaults, tlsFaults];
