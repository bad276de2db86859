import type { Fault } from "../../lib/fault.ts";
import type { Role } from "../../lib/roles.ts";
import { hostsWith, type Topology } from "../schema.ts";

/** Rules for the inventory: names, addresses, roles. */
export function hostFaults({ hosts }: Topology): Fault[] {
	const faults: Fault[] = [];
	for (const property of ["name", "address"] as const) {
		const first = new Map<string, number>();
		hosts.forEach((host, i) => {
			const earlier = first.get(host[property]);
			if (earlier === undefined) first.set(host[property], i);
			else
				faults.push({
					property: `hosts[${i}].${property}`,
					value: host[property],
					remedy: `is also hosts[${earlier}].${property}: each host needs its own`,
				});
		});
	}
	hosts.forEach(({ aliases }, i) => {
		for (const alias of aliases) {
			const other = hosts.findIndex((host, j) => j !== i && [host.name, ...host.aliases].includes(alias));
			if (other >= 0)
				faults.push({ property: `hosts[${i}].aliases`, value: alias, remedy: `hosts[${other}] has that name, or had it: remove one` });
		}
	});
	hosts.forEach((host, i) => {
		const property = `hosts[${i}].roles`;
		const has = (role: Role) => host.roles.includes(role);
		if (has("manager") && has("worker"))
			faults.push({ property, value: host.roles, remedy: "a node is a manager or a worker: remove one" });
		if (has("app") && !has("manager") && !has("worker"))
			faults.push({ property, value: host.roles, remedy: "an app node is in the swarm: add manager or worker" });
	});
	const count = (role: Role) => hostsWith({ hosts }, role).length;
	if (count("manager") === 0) faults.push({ property: "hosts", remedy: "no host has role manager: give it to one, or to three" });
	if (count("app") === 0) faults.push({ property: "hosts", remedy: "no host has role app: give it to the nodes that run the service" });
	for (const role of ["log", "balancer"] as const) {
		if (count(role) !== 1)
			faults.push({ property: "hosts", value: count(role), remedy: `${count(role)} hosts have role ${role}: give it to exactly one` });
	}
	if (count("registry") > 1)
		faults.push({ property: "hosts", value: count("registry"), remedy: "several hosts have role registry: give it to one at most" });
	return faults;
}
