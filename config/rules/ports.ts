import type { Fault } from "../../lib/fault.ts";
import { registryPort } from "../../lib/registry.ts";
import { type HostConfig, hostsWith, type Topology } from "../schema.ts";

/** Between the nodes, whatever the configuration says: management and gossip. */
const managementPort = 2377;
const gossipPort = 7946;
const nfsPort = 2049;
const sshPort = 22;

/** Ports of one host are each for one thing: those that the service publishes, that the agents ask one another at, and all that were there before. */
export function portFaults(topology: Topology): Fault[] {
	const { hosts, service, swarm } = topology;
	const { rollout, publish } = service;
	const faults: Fault[] = [];
	if (swarm.dataPathPort === gossipPort)
		faults.push({ property: "swarm.dataPathPort", value: gossipPort, remedy: "is the port of the nodes' gossip: choose another" });
	const published = takenBy(topology, publish.published, publishing(topology));
	if (published) faults.push({ property: "service.publish.published", value: publish.published, remedy: `${published}: choose another` });
	if (publish.mode !== "host" || rollout.strategy !== "lossless") return faults;
	const apps = hostsWith({ hosts }, "app");
	const peer =
		rollout.peerPort === publish.published
			? "is also service.publish.published"
			: (takenBy(topology, rollout.peerPort, apps) ?? takenByNginx(topology, rollout.peerPort, apps));
	if (peer) faults.push({ property: "service.rollout.peerPort", value: rollout.peerPort, remedy: `${peer}: choose another` });
	return faults;
}

/** The hosts on which the published port is open: the routing mesh opens it on every node. */
export function publishing({ hosts, service }: Pick<Topology, "hosts" | "service">): HostConfig[] {
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
	if (!nodes.some(({ roles }) => roles.includes("nginx"))) return undefined;
	if (port === nginx.listen) return "is nginx.listen on the same host";
	return port === nginx.tls?.httpsPort ? "is nginx.tls.httpsPort on the same host" : undefined;
}

/** sshd's port on the host itself; that of an address that forwards to it says nothing of it. */
const sshdOf = ({ address, ssh }: HostConfig) => (!ssh?.host || ssh.host === address ? ssh?.port : undefined);
