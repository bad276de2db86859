import type { Fault } from "../../lib/fault.ts";
import { registryPort } from "../../lib/registry.ts";
import { isLossless } from "../../lib/rollout.ts";
import { type HostConfig, hostsWith, type ServiceConfig, servicesOf, type Topology } from "../schema.ts";

/** Fixed ports between the nodes: management and gossip. */
const managementPort = 2377;
const gossipPort = 7946;
const nfsPort = 2049;
const sshPort = 22;

/** A host's port has only one use: the services' published ports, their agents' ports, and all other ports in use must differ. */
export function portFaults(topology: Topology): Fault[] {
	const faults: Fault[] = [];
	if (topology.swarm.dataPathPort === gossipPort)
		faults.push({ property: "swarm.dataPathPort", value: gossipPort, remedy: "is the port of the nodes' gossip: choose another" });
	const ports = servicesOf(topology).flatMap((service) => portsOf(topology, service));
	ports.forEach(({ property, value, taken }, i) => {
		// Services' ports must differ even without shared nodes: the nodes of a service may change.
		const earlier = ports.slice(0, i).find((other) => other.value === value);
		const remedy = earlier ? `is also ${earlier.property}` : taken;
		if (remedy) faults.push({ property, value, remedy: `${remedy}: choose another` });
	});
	return faults;
}

/** The ports that a service uses on nodes, and what already uses them. */
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

/** What already uses the port on one of these nodes, apart from NGINX. */
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

/** sshd's port on the host itself; unknown if `ssh.host` is another address that forwards to it. */
const sshdOf = ({ address, ssh }: HostConfig) => (!ssh?.host || ssh.host === address ? ssh?.port : undefined);
