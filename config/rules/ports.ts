import type { Fault } from "../../lib/fault.ts";
import { registryPort } from "../../lib/registry.ts";
import { isLossless } from "../../lib/rollout.ts";
import { type HostConfig, hostsWith, type ServiceConfig, servicesOf, type Topology } from "../schema.ts";

/** Between the nodes, whatever the configuration says: management and gossip. */
const managementPort = 2377;
const gossipPort = 7946;
const nfsPort = 2049;
const sshPort = 22;

/** Ports of one host are each for one thing: those that the services publish, that their agents ask one another at, and all that were there before. */
export function portFaults(topology: Topology): Fault[] {
	const faults: Fault[] = [];
	if (topology.swarm.dataPathPort === gossipPort)
		faults.push({ property: "swarm.dataPathPort", value: gossipPort, remedy: "is the port of the nodes' gossip: choose another" });
	const ports = servicesOf(topology).flatMap((service) => portsOf(topology, service));
	ports.forEach(({ property, value, taken }, i) => {
		// Of another service's port as well: which of its tasks go to which nodes may change.
		const earlier = ports.slice(0, i).find((other) => other.value === value);
		const remedy = earlier ? `is also ${earlier.property}` : taken;
		if (remedy) faults.push({ property, value, remedy: `${remedy}: choose another` });
	});
	return faults;
}

/** The ports that a service takes on nodes, and what has them already. */
function portsOf(topology: Topology, service: ServiceConfig): { property: string; value: number; taken: string | undefined }[] {
	const { name, publish, rollout } = service;
	const published = takenBy(topology, publish.published, publishing(topology, service));
	const ports = [{ property: `services.${name}.publish.published`, value: publish.published, taken: published }];
	if (!isLossless(service)) return ports;
	const apps = hostsWith(topology, "app");
	const taken = takenBy(topology, rollout.peerPort, apps) ?? takenByNginx(topology, rollout.peerPort, apps);
	return [...ports, { property: `services.${name}.rollout.peerPort`, value: rollout.peerPort, taken }];
}

/** The hosts on which the published port is open: the routing mesh opens it on every node. */
export function publishing({ hosts }: Pick<Topology, "hosts">, service: Pick<ServiceConfig, "publish">): HostConfig[] {
	if (service.publish.mode === "host") return hostsWith({ hosts }, "app");
	return hosts.filter(({ roles }) => roles.includes("manager") || roles.includes("worker"));
}

/** What has the port on one of these nodes already, but for NGINX. */
function takenBy({ swarm }: Topology, port: number, nodes: HostConfig[]): string | undefined {
	if (port === managementPort || port === gossipPort) return "is a port of the swarm";
	if (port === swarm.dataPathPort) return "is swarm.dataPathPort";
	if (port === sshPort || nodes.some((node) => port === sshdOf(node))) return "is sshd's port";
	const on = (role: "registry" | "log") => nodes.some(({ roles }) => roles.includes(role));
	if (port === registryPort && on("registry")) return "is the registry's port on the same host";
	if (port === nfsPort && on("log")) return "is the NFS server's port on the same host";
	return undefined;
}

function takenByNginx({ nginx }: Topology, port: number, nodes: HostConfig[]): string | undefined {
	if (!nodes.some(({ roles }) => roles.includes("balancer"))) return undefined;
	if (port === nginx.listen) return "is nginx.listen on the same host";
	return port === nginx.tls?.httpsPort ? "is nginx.tls.httpsPort on the same host" : undefined;
}

/** sshd's port on the host itself; that of an address that forwards to it says nothing of it. */
const sshdOf = ({ address, ssh }: HostConfig) => (!ssh?.host || ssh.host === address ? ssh?.port : undefined);
