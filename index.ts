import "./lib/plainStacks.ts";
import * as pulumi from "@pulumi/pulumi";
import { LoadBalancer } from "./components/balancer/loadBalancer.ts";
import { nginx } from "./components/balancer/nginx/index.ts";
import { Hosts } from "./components/hosts.ts";
import { dockerProvider, WasImage } from "./components/image.ts";
import { NfsExport } from "./components/nfs.ts";
import { Registry } from "./components/registry.ts";
import { servingMembers, WasService } from "./components/service.ts";
import { Swarm } from "./components/swarm.ts";
import { loadConfiguration } from "./config/load.ts";
import { servicesOf } from "./config/schema.ts";
import { imageOf, probeOf, sitesFor, sourceOf, urlOf } from "./settings.ts";

const configuration = loadConfiguration();
const { topology, named } = configuration;

const source = sourceOf(configuration);
const kind = nginx({ ...topology.nginx, certificate: named.certificate });
const hosts = new Hosts("hosts", { source, packages: { balancer: kind.packages } });
const [log, front] = [hosts.one("log"), hosts.one("balancer")];

const logs = new NfsExport("logs", { ...topology.logs, host: log, apps: hosts.with("app"), logShipping: source.logShipping });
const swarm = new Swarm("swarm", { ...topology.swarm, hosts: hosts.all });
const { manager } = swarm;

const registry = new Registry("registry", { ...topology.registry, ...named.registry, hosts: hosts.all });
const provider = dockerProvider("manager", manager, { dependsOn: [manager.ready] });
const deployed = servicesOf(topology).map((service) => {
	const { name } = service;
	const image = new WasImage(name, { ...imageOf(service), registry, builder: manager, provider });
	const { secrets = {}, secretEnv = {} } = named.services[name] ?? {};
	const serving = servingMembers(service, swarm.members);
	return new WasService(name, {
		...service,
		secrets,
		secretEnv,
		swarm,
		serving,
		logs,
		registry,
		image: image.reference,
		...probeOf(topology, front, name),
	});
});
const balancer = new LoadBalancer("nginx", { kind, host: front, sites: sitesFor(topology, deployed) }, { dependsOn: deployed });

const served = (service?: string) => pulumi.all([urlOf(topology, front, service), balancer.ready.urn]).apply(([url = null]) => url);

/** URL of NGINX's first site. */
export const endpoint = served() as pulumi.Output<string>;
/** By service name: the URL that leads to it, its image, and what the prober saw during the last rollout with it on. */
export const services = Object.fromEntries(
	deployed.map(({ name, service }) => [name, { endpoint: served(name), image: service.imageDigest, lastRollout: service.lastRollout }]),
);
/** Private address of each host, by its name. */
export const nodes = Object.fromEntries(hosts.all.map(({ name, address }) => [name, address]));
/** ID of the swarm. */
export const swarmId = swarm.clusterId;
/** The export that collects the logs: server address and path. */
export const nfs = { server: logs.server, path: logs.path };
/** Where the collected logs are: host name and directory. */
export const logLocation = { host: log.name, directory: logs.path };
