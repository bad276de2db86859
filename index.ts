import * as pulumi from "@pulumi/pulumi";
import { Hosts } from "./components/hosts.ts";
import { dockerProvider, WasImage } from "./components/image.ts";
import { LoadBalancer } from "./components/loadBalancer.ts";
import { NfsExport } from "./components/nfs.ts";
import { Registry } from "./components/registry.ts";
import { servingMembers, WasService } from "./components/service.ts";
import { Swarm } from "./components/swarm.ts";
import { loadCertificate } from "./config/certificate.ts";
import { loadTopology } from "./config/load.ts";

const topology = loadTopology();
const certificate = loadCertificate(topology.nginx);

const hosts = new Hosts("hosts", topology);
const logs = new NfsExport("logs", topology, hosts);
const swarm = new Swarm("swarm", topology, hosts);
const serving = servingMembers(topology, swarm);

const registry = new Registry("registry", topology, hosts);
const provider = dockerProvider("manager", swarm.manager, { dependsOn: [swarm.manager.ready] });
const image = new WasImage("was", topology, swarm, registry, provider);
const was = new WasService(topology.service.name, {
	topology,
	swarm,
	serving,
	logs,
	registry,
	image: image.reference,
	endpoint: hosts.endpoint,
});
const balancer = new LoadBalancer(
	"nginx",
	{ topology, host: hosts.one("nginx"), serving, certificate, endpoint: hosts.endpoint },
	{ dependsOn: [was] },
);

/** URL under which NGINX serves the application. */
export const endpoint = pulumi.all([hosts.endpoint, balancer.ready.urn]).apply(([url]) => url);
/** Every host: name, roles, private address. */
export const nodes = hosts.all.map(({ name, roles, address }) => ({ name, roles, address }));
/** ID of the swarm. */
export const swarmId = swarm.clusterId;
/** Name of the service in the swarm. */
export const serviceName = was.service.name;
/** The image that runs, by digest. */
export const imageDigest = was.service.imageDigest;
/** What the prober saw during the last rollout; null while it is off. */
export const lastRollout = was.service.lastRollout;
/** The export that collects the logs: server address and path. */
export const nfs = { server: logs.server, path: logs.path };
/** Where the collected logs lie: host name and directory. */
export const logLocation = { host: hosts.one("log").name, directory: logs.path };
