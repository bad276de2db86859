import * as pulumi from "@pulumi/pulumi";
import { endpointOf } from "./components/endpoint.ts";
import { Hosts } from "./components/hosts.ts";
import { dockerProvider, WasImage } from "./components/image.ts";
import { LoadBalancer } from "./components/loadBalancer.ts";
import { NfsExport } from "./components/nfs.ts";
import { Registry } from "./components/registry.ts";
import { servingMembers, WasService } from "./components/service.ts";
import { Swarm } from "./components/swarm.ts";
import { loadConfiguration } from "./config/load.ts";
import { imageOf, sourceOf } from "./settings.ts";

const configuration = loadConfiguration();
const { topology, named } = configuration;
const { service, nginx } = topology;

const source = sourceOf(configuration);
const hosts = new Hosts("hosts", { source });
const [log, front] = [hosts.one("log"), hosts.one("nginx")];
const url = endpointOf(front, nginx);

const logs = new NfsExport("logs", { ...topology.logs, host: log, apps: hosts.with("app"), logShipping: source.logShipping });
const swarm = new Swarm("swarm", { ...topology.swarm, hosts: hosts.all });
const { manager } = swarm;
const serving = servingMembers(service, swarm.members);

const registry = new Registry("registry", { ...topology.registry, ...named.registry, hosts: hosts.all });
const provider = dockerProvider("manager", manager, { dependsOn: [manager.ready] });
const image = new WasImage("was", { ...imageOf(topology), registry, builder: manager, provider });
const { secrets, secretEnv } = named;
const was = new WasService(service.name, {
	...service,
	secrets,
	secretEnv,
	swarm,
	serving,
	logs,
	registry,
	image: image.reference,
	endpoint: url,
});
const balancer = new LoadBalancer(
	"nginx",
	{ ...nginx, host: front, serving, published: service.publish.published, certificate: named.certificate },
	{ dependsOn: [was] },
);

/** URL under which NGINX serves the application. */
export const endpoint = pulumi.all([url, balancer.ready.urn]).apply(([known]) => known);
/** Private address of each host, by its name. */
export const nodes = Object.fromEntries(hosts.all.map(({ name, address }) => [name, address]));
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
export const logLocation = { host: log.name, directory: logs.path };
